import CZstd

/// Decompresses a zstd stream with all its frames (RFC 8878, section 3.1).
final class UnzstdStream: ByteStream {
  private let source: any ByteStream
  private let name: String
  private let input: UnsafeMutableRawBufferPointer
  private let stream: OpaquePointer
  private var pending = ZSTD_inBuffer()
  /// True if a frame has ended and no other has begun, the only place where the file may end.
  private var isBetweenFrames = true

  init(_ source: any ByteStream, name: String) throws(CSVError) {
    guard let stream = ZSTD_createDStream() else { throw CSVError(.malformed, file: name, reason: "zstd has no memory") }
    self.stream = stream
    self.source = source
    self.name = name
    input = .allocate(byteCount: ZSTD_DStreamInSize(), alignment: 16)
  }

  deinit {
    ZSTD_freeDStream(stream)
    input.deallocate()
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(CSVError) -> Int {
    var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
    // Calls the decoder before reading more input, because it may still hold decompressed data.
    var mayHoldBack = true
    while output.pos == 0 {
      if pending.pos == pending.size, !mayHoldBack || isBetweenFrames {
        let count = try source.read(into: input)
        if count == 0 {
          if isBetweenFrames { return 0 }
          throw CSVError(.malformed, file: name, reason: "the zstd stream breaks off")
        }
        pending = ZSTD_inBuffer(src: input.baseAddress, size: count, pos: 0)
      }
      let result = ZSTD_decompressStream(stream, &output, &pending)
      if ZSTD_isError(result) != 0 {
        let reason = String(cString: ZSTD_getErrorName(result))
        throw CSVError(.malformed, file: name, reason: "the zstd stream is broken: \(reason)")
      }
      isBetweenFrames = result == 0
      mayHoldBack = false
    }
    return output.pos
  }
}
