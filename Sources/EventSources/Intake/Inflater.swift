import CZlib

/// Decompresses gzip (RFC 1952) in small steps, to stop at a decompression bomb before it uses much memory.
final class Inflater {
  private static let stepSize = 16 << 10

  private let stream: UnsafeMutablePointer<z_stream>
  private let step: UnsafeMutableBufferPointer<UInt8>
  private var input = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
  /// True between two gzip members, and at the end.
  private var isComplete = false

  /// Nil if there is not enough memory.
  init?() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    step = .allocate(capacity: Self.stepSize)
    if vs_inflate_init_gzip(stream) != Z_OK { return nil }
  }

  deinit {
    inflateEnd(stream)
    stream.deinitialize(count: 1)
    stream.deallocate()
    step.deallocate()
  }

  /// Decompresses a whole body.
  ///
  /// - Parameter limit: the largest result in bytes.
  /// - Throws: `tooLarge` if the result exceeds the limit, `malformed` if the bytes are not complete gzip data,
  ///   `noMemory` if zlib runs out of memory.
  func contents(of bytes: [UInt8], limit: Int) throws(RequestBody.Failure) -> [UInt8] {
    guard inflateReset(stream) == Z_OK else { throw .malformed }
    isComplete = false
    var inflated: [UInt8] = []
    var failure: RequestBody.Failure?
    bytes.withUnsafeBufferPointer { bytes in
      input = bytes
      do throws(RequestBody.Failure) {
        while let piece = try next() {
          if inflated.count + piece.count > limit { throw .tooLarge }
          inflated.append(contentsOf: piece)
        }
        if !isComplete { throw .malformed }
      } catch {
        failure = error
      }
      input = UnsafeBufferPointer(start: nil, count: 0)
    }
    if let failure { throw failure }
    return inflated
  }

  /// Returns the next decompressed bytes, valid until the next call; nil if the input is used up.
  private func next() throws(RequestBody.Failure) -> UnsafeBufferPointer<UInt8>? {
    stream.pointee.next_out = step.baseAddress
    stream.pointee.avail_out = UInt32(step.count)
    while stream.pointee.avail_out > 0 {
      if isComplete {
        if input.isEmpty { break }
        // Another gzip member follows (section 2.2). Its content is appended.
        guard inflateReset(stream) == Z_OK else { throw .malformed }
        isComplete = false
      }
      stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.pointee.avail_in = UInt32(clamping: input.count)
      let given = stream.pointee.avail_in
      let result = inflate(stream, Z_NO_FLUSH)
      input = UnsafeBufferPointer(rebasing: input.dropFirst(Int(given - stream.pointee.avail_in)))
      switch result {
      case Z_OK: break
      case Z_STREAM_END: isComplete = true
      case Z_BUF_ERROR: return inflated
      case Z_MEM_ERROR: throw .noMemory
      default: throw .malformed
      }
      if input.isEmpty && !isComplete && stream.pointee.avail_out > 0 { break }
    }
    return inflated
  }

  private var inflated: UnsafeBufferPointer<UInt8>? {
    let count = step.count - Int(stream.pointee.avail_out)
    return count == 0 ? nil : UnsafeBufferPointer(rebasing: step[..<count])
  }
}
