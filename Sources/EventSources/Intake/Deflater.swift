import CZlib

/// Compresses with gzip (RFC 1952).
package enum Deflater {
  private static let stepSize = 64 << 10
  /// Bodies up to this size are compressed well, larger ones fast.
  private static let carefulByteCount = 256 << 10

  /// Returns the compressed bytes; nil if memory is short.
  package static func gzip(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = z_stream()
    guard vs_gzip_init_level(&stream, bytes.count > carefulByteCount ? 1 : 6) == Z_OK else { return nil }
    defer { deflateEnd(&stream) }
    var compressed: [UInt8] = []
    var step = [UInt8](repeating: 0, count: stepSize)
    return bytes.withUnsafeBufferPointer { bytes in
      var input = bytes
      while true {
        // zlib does not write to its input, although the type allows it.
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.avail_in = UInt32(clamping: input.count)
        let given = Int(stream.avail_in)
        let isLast = given == input.count
        let (result, count) = step.withUnsafeMutableBufferPointer { step in
          stream.next_out = step.baseAddress
          stream.avail_out = UInt32(step.count)
          let result = deflate(&stream, isLast ? Z_FINISH : Z_NO_FLUSH)
          return (result, step.count - Int(stream.avail_out))
        }
        guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else { return nil }
        compressed += step[..<count]
        input = UnsafeBufferPointer(rebasing: input.dropFirst(given - Int(stream.avail_in)))
        if result == Z_STREAM_END { return compressed }
        if count == 0, given == Int(stream.avail_in) { return nil }
      }
    }
  }
}
