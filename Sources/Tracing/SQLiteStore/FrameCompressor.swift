import CZstd
package import ValueStreamCore

/// Compresses commits into zstd frames that span several commits, so that a commit can refer to the data of earlier ones.
package final class FrameCompressor {
  private let context: OpaquePointer
  /// Compressed bytes of the current commit so far.
  private var commit: [UInt8] = []
  private var chunk: [UInt8]
  /// The number of compressed bytes in the current frame, without the current commit.
  private(set) var frameBytes = 0

  package init() throws(StoreError) {
    guard let context = ZSTD_createCCtx() else { throw StoreError(.busy, "no memory to compress deliveries") }
    self.context = context
    chunk = [UInt8](repeating: 0, count: ZSTD_CStreamOutSize())
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.level)
  }

  deinit {
    ZSTD_freeCCtx(context)
  }

  private static let level: Int32 = 1
  /// Capacity in bytes above which the buffer is released after its commit.
  private static let largestKept = 1 << 20

  /// Starts a new frame, which can be decompressed without the data before it.
  package func startFrame() {
    ZSTD_CCtx_reset(context, ZSTD_reset_session_only)
    frameBytes = 0
    clear()
  }

  package func add(_ bytes: [UInt8]) throws(StoreError) {
    try compress(bytes, ZSTD_e_continue)
  }

  /// Flushes the current commit and passes its compressed bytes to `use`.
  ///
  /// The stream then contains this commit even if `use` throws. If it is not stored, call ``startFrame()`` before the
  /// next one.
  package func finishCommit<Result>(_ use: ([UInt8]) throws -> Result) throws -> Result {
    try compress([], ZSTD_e_flush)
    frameBytes += commit.count
    defer { clear() }
    return try use(commit)
  }

  private func clear() {
    commit.removeAll(keepingCapacity: commit.capacity <= Self.largestKept)
  }

  private func compress(_ bytes: [UInt8], _ mode: ZSTD_EndDirective) throws(StoreError) {
    let failure = bytes.withUnsafeBytes { source -> Int? in
      var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
      while true {
        let (rest, produced) = chunk.withUnsafeMutableBytes { target in
          var output = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
          return (ZSTD_compressStream2(context, &output, &input, mode), output.pos)
        }
        commit.append(contentsOf: chunk[..<produced])
        if ZSTD_isError(rest) != 0 { return rest }
        if mode == ZSTD_e_continue ? input.pos == input.size : rest == 0 { return nil }
      }
    }
    if let failure { throw StoreError(.busy, "compressing deliveries: \(String(cString: ZSTD_getErrorName(failure)))") }
  }
}
