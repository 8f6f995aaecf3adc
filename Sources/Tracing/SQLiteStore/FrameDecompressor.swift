import CZstd
package import ValueStreamCore

/// Decompresses the commits of a zstd frame. Pass them in the order in which they were written, without gaps.
package final class FrameDecompressor {
  private let context: OpaquePointer
  private var input: [UInt8] = []
  private var inputIndex = 0
  private var output: [UInt8]
  private var outputRange = 0..<0

  package init() throws(StoreError) {
    guard let context = ZSTD_createDCtx() else { throw StoreError(.busy, "no memory to read deliveries") }
    self.context = context
    output = [UInt8](repeating: 0, count: 1 << 16)
  }

  deinit {
    ZSTD_freeDCtx(context)
  }

  package func startFrame() {
    ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
    input = []
    inputIndex = 0
    outputRange = 0..<0
  }

  /// Starts the next commit. Read or ``skip()`` all of the previous one first.
  package func begin(_ commit: [UInt8]) {
    input = commit
    inputIndex = 0
    outputRange = 0..<0
  }

  /// Skips the rest of the commit.
  package func skip() throws(DamagedBytes) {
    while try refill() {}
  }

  /// True if everything in the commit has been read.
  package func isAtEnd() throws(DamagedBytes) -> Bool {
    guard outputRange.isEmpty else { return false }
    return try !refill()
  }

  /// Fills the empty output buffer.
  ///
  /// - Returns: false at the end of the commit.
  private func refill() throws(DamagedBytes) -> Bool {
    outputRange = 0..<0
    while true {
      let step = input.withUnsafeBytes { source in
        output.withUnsafeMutableBytes { target in
          var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: inputIndex)
          var output = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
          let code = ZSTD_decompressStream(context, &output, &input)
          return (isError: ZSTD_isError(code) != 0, consumed: input.pos - inputIndex, produced: output.pos)
        }
      }
      guard !step.isError else { throw DamagedBytes() }
      inputIndex += step.consumed
      if step.produced > 0 {
        outputRange = 0..<step.produced
        return true
      }
      if inputIndex == input.count { return false }
      // Without this check, a stream that makes no progress would loop forever. Only damaged bytes do that.
      guard step.consumed > 0 else { throw DamagedBytes() }
    }
  }
}

extension FrameDecompressor: PackedSource {
  package func byte() throws(DamagedBytes) -> UInt8 {
    if outputRange.isEmpty { guard try refill() else { throw DamagedBytes() } }
    defer { outputRange = outputRange.dropFirst() }
    return output[outputRange.lowerBound]
  }

  package func bytes(_ count: Int) throws(DamagedBytes) -> [UInt8] {
    var result: [UInt8] = []
    // The count may be damaged, so limit what it reserves.
    result.reserveCapacity(min(count, 1 << 20))
    while result.count < count {
      if outputRange.isEmpty { guard try refill() else { throw DamagedBytes() } }
      let taken = outputRange.prefix(count - result.count)
      result.append(contentsOf: output[taken])
      outputRange = outputRange.dropFirst(taken.count)
    }
    return result
  }
}
