import Synchronization
import ValueStreamCore

/// The traces of subjects that no block covers yet, computed once for all readers.
///
/// The subject of a sequence never changes. A removed subject stays in here, so a reader must look up each sequence that
/// it gets.
final class RecentTraces: Sendable {
  private struct State {
    var block: Int64 = -1
    /// The first sequence that has not been read yet.
    var next: Int64 = 0
    /// Sequences by the high half of the id of the trace whose root the subject is or would be.
    var sequences: [UInt64: [Int64]] = [:]
  }

  private let state = Mutex(State())

  /// Returns the sequences of subjects that may be the root of a trace, among those in or after a block.
  ///
  /// - Parameters:
  ///   - block: the first block that is not indexed in the caller's view of the store.
  ///   - read: returns the subjects with these sequences in the caller's view of the store.
  func sequences(
    of traceID: TraceID, from block: Int64, read: (Range<Int64>) throws -> [(sequence: Int64, key: SubjectKey, traceID: TraceID)]
  ) throws -> [Int64] {
    try state.withLock { state in
      if block > state.block { state = State(block: block, next: TraceBlocks.range(of: block).lowerBound) }
      guard block == state.block else {
        // The caller has an older view of the store, to which the cache does not go back.
        return try read(TraceBlocks.range(of: block).lowerBound..<Int64.max).filter { $0.traceID == traceID }.map(\.sequence)
      }
      for subject in try read(state.next..<Int64.max) {
        state.sequences[subject.traceID.high, default: []].append(subject.sequence)
        state.next = subject.sequence + 1
      }
      return state.sequences[traceID.high] ?? []
    }
  }
}
