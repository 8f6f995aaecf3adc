import CZlib

/// Compresses request bodies with gzip.
enum Gzip {
  /// Returns the compressed bytes; nil if memory is short.
  static func compress(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = z_stream()
    guard vs_gzip_init(&stream) == Z_OK else { return nil }
    defer { deflateEnd(&stream) }
    var isDone = false
    let output = [UInt8](unsafeUninitializedCapacity: Int(deflateBound(&stream, uLong(bytes.count)))) { output, count in
      bytes.withUnsafeBufferPointer { input in
        // zlib does not write to its input, although the type allows it.
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.avail_in = uInt(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = uInt(output.count)
        isDone = deflate(&stream, Z_FINISH) == Z_STREAM_END
      }
      count = output.count - Int(stream.avail_out)
    }
    return isDone ? output : nil
  }
}
