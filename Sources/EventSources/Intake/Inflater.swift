import CZlib

/// Inflates gzip (RFC 1952) piece by piece, in steps small enough that a bomb is noticed before it has grown.
final class Inflater {
  /// What zlib and the step's buffer take, roughly.
  static let memory = 44 << 10 + stepSize
  private static let stepSize = 16 << 10

  private let stream: UnsafeMutablePointer<z_stream>
  private let step: UnsafeMutableBufferPointer<UInt8>
  private var input = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
  /// True between two members, and at the end.
  private(set) var isComplete = false

  /// Nil when there is no memory.
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

  /// Gives compressed bytes, valid until ``next()`` gives nil or fails.
  func input(_ piece: UnsafeBufferPointer<UInt8>) {
    input = piece
  }

  /// Some inflated bytes, valid until the next call; nil when the input is used up.
  func next() throws(RequestBody.Failure) -> UnsafeBufferPointer<UInt8>? {
    stream.pointee.next_out = step.baseAddress
    stream.pointee.avail_out = UInt32(step.count)
    while stream.pointee.avail_out > 0 {
      if isComplete {
        if input.isEmpty { break }
        // Another member follows (section 2.2); its content is appended.
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
