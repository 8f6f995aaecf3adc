import CZstd
import ValueStreamCore

/// Compresses commits into zstd frames that run across commits, so that each is written in terms of those before it.
final class FrameCompressor {
  private let context: OpaquePointer
  /// What was compressed of the current commit.
  private var commit: [UInt8] = []
  private var chunk: [UInt8]
  /// Compressed bytes of the current frame, without the current commit.
  private(set) var frameBytes = 0

  init() throws(StoreError) {
    guard let context = ZSTD_createCCtx() else { throw StoreError(.busy, "no memory to compress deliveries") }
    self.context = context
    chunk = [UInt8](repeating: 0, count: ZSTD_CStreamOutSize())
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.level)
  }

  deinit {
    ZSTD_freeCCtx(context)
  }

  private static let level: Int32 = 1
  /// A larger buffer is given back after its commit.
  private static let largestKept = 1 << 20

  /// Forgets everything: what comes next can be read without what came before.
  func startFrame() {
    ZSTD_CCtx_reset(context, ZSTD_reset_session_only)
    frameBytes = 0
    clear()
  }

  func add(_ bytes: [UInt8]) throws(StoreError) {
    try compress(bytes, ZSTD_e_continue)
  }

  /// Ends the commit, and hands out its bytes.
  func finishCommit<Result>(_ use: ([UInt8]) throws -> Result) throws -> Result {
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
