import Synchronization
import ValueStreamCore

/// The traces of the things that are in no block yet, computed once for all who ask.
///
/// Which key a sequence has never changes; a thing that was removed is missing when it is looked up.
final class RecentTraces: Sendable {
  private struct State {
    var block: Int64 = -1
    /// The first sequence that was not seen yet.
    var next: Int64 = 0
    /// Sequences by the high half of the trace each is the root of.
    var sequences: [UInt64: [Int64]] = [:]
  }

  private let state = Mutex(State())

  /// Sequences of the things, in no block before this one, that may be the root of a trace.
  ///
  /// - Parameter read: the things with these sequences, as they are seen where is asked.
  func sequences(
    of traceID: TraceID, from block: Int64, read: (Range<Int64>) throws -> [(sequence: Int64, key: SpanKey, traceID: TraceID)]
  ) throws -> [Int64] {
    try state.withLock { state in
      if block > state.block { state = State(block: block, next: TraceBlocks.range(of: block).lowerBound) }
      guard block == state.block else {
        // Asked from an older view of the store.
        return try read(TraceBlocks.range(of: block).lowerBound..<Int64.max).filter { $0.traceID == traceID }.map(\.sequence)
      }
      for thing in try read(state.next..<Int64.max) {
        state.sequences[thing.traceID.high, default: []].append(thing.sequence)
        state.next = thing.sequence + 1
      }
      return state.sequences[traceID.high] ?? []
    }
  }
}
