import CZlib

/// Decompresses a gzip stream with all its members (RFC 1952, section 2.2).
final class GunzipStream: ByteStream {
  private let source: any ByteStream
  private let name: String
  private let input: UnsafeMutableRawBufferPointer
  private var stream = z_stream()
  /// True after the end of a member and before the next one begins, the only place where the file may end.
  private var isBetweenMembers = false

  private static let inputSize = 1 << 16

  init(_ source: any ByteStream, name: String) throws(CSVError) {
    self.source = source
    self.name = name
    input = .allocate(byteCount: Self.inputSize, alignment: 16)
    if vs_inflate_init_gzip(&stream) != Z_OK { throw CSVError(.malformed, file: name, reason: "zlib has no memory") }
  }

  deinit {
    inflateEnd(&stream)
    input.deallocate()
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(CSVError) -> Int {
    stream.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.avail_out = UInt32(clamping: buffer.count)
    let wanted = stream.avail_out
    while stream.avail_out == wanted {
      if stream.avail_in == 0 {
        let count = try source.read(into: input)
        if count == 0 {
          if isBetweenMembers { return 0 }
          throw CSVError(.malformed, file: name, reason: "the gzip stream breaks off")
        }
        stream.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.avail_in = UInt32(count)
      }
      if isBetweenMembers {
        isBetweenMembers = false
        inflateReset(&stream)
      }
      switch inflate(&stream, Z_NO_FLUSH) {
      case Z_OK, Z_BUF_ERROR: break
      case Z_STREAM_END: isBetweenMembers = true
      default:
        let reason = stream.msg.map { String(cString: $0) } ?? "damaged"
        throw CSVError(.malformed, file: name, reason: "the gzip stream is broken: \(reason)")
      }
    }
    return Int(wanted - stream.avail_out)
  }
}
