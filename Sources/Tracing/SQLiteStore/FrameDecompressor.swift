import CZstd
import ValueStreamCore

/// Reads commits of a zstd frame, in the order in which they were written and none left out.
final class FrameDecompressor {
  private let context: OpaquePointer
  private var input: [UInt8] = []
  private var inputIndex = 0
  private var output: [UInt8]
  private var outputRange = 0..<0

  init() throws(StoreError) {
    guard let context = ZSTD_createDCtx() else { throw StoreError(.busy, "no memory to read deliveries") }
    self.context = context
    output = [UInt8](repeating: 0, count: 1 << 16)
  }

  deinit {
    ZSTD_freeDCtx(context)
  }

  func startFrame() {
    ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
    input = []
    inputIndex = 0
    outputRange = 0..<0
  }

  /// Goes on to the next commit; of the one before everything must have been read.
  func begin(_ commit: [UInt8]) {
    input = commit
    inputIndex = 0
    outputRange = 0..<0
  }

  /// Passes over what is left of the commit.
  func skip() throws(DamagedBytes) {
    while try refill() {}
  }

  /// True when nothing is left of the commit.
  func isAtEnd() throws(DamagedBytes) -> Bool {
    guard outputRange.isEmpty else { return false }
    return try !refill()
  }

  /// Fills the empty output; false at the end of the commit.
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
      // Neither read nor written: only bytes that are no frame of ours do that.
      guard step.consumed > 0 else { throw DamagedBytes() }
    }
  }
}

extension FrameDecompressor: PackedSource {
  func byte() throws(DamagedBytes) -> UInt8 {
    if outputRange.isEmpty { guard try refill() else { throw DamagedBytes() } }
    defer { outputRange = outputRange.dropFirst() }
    return output[outputRange.lowerBound]
  }

  func bytes(_ count: Int) throws(DamagedBytes) -> [UInt8] {
    var result: [UInt8] = []
    // A damaged count must not reserve more than can come.
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
