package import ValueStreamCore

/// The spans that the Go ValueStream would have shown, for `tracer=mock` and the `webhooks_event_*` metrics.
///
/// A small state machine over events in order of arrival, independent of the real spans. The state of each subject is
/// stored with the subject (``ClassicState``). This type holds the transitions and the next id.
package struct ClassicPicture: Sendable {
  /// A classic span that has ended.
  package struct FinishedSpan: Sendable, Hashable {
    package var span: ClassicState.OpenSpan
    package var finish: EventTime
    package var finishReceived: Timestamp
    package var isError: Bool
    /// True if the event that ended the span did not contain its start.
    package var isStartUnknown: Bool

    /// The duration in milliseconds; nil if the start is unknown.
    ///
    /// Uses vendor times if both are known, otherwise the times at which the two deliveries were received. Never
    /// negative: if the end is before the start, the duration is 0.
    package var durationMilliseconds: Double? {
      if isStartUnknown { return nil }
      let isVendor = span.start.isVendor && finish.isVendor
      let start = isVendor ? span.start.timestamp : span.received
      let end = isVendor ? finish.timestamp : finishReceived
      return max(0, end.seconds(since: start) * 1000)
    }
  }

  package enum Change: Sendable, Hashable {
    case started(ClassicState.OpenSpan)
    case finished(FinishedSpan)
  }

  /// The number that the next span or trace gets. It counts up over the life of a store.
  package private(set) var nextID: Int64

  package init(nextID: Int64 = 1) {
    self.nextID = nextID
  }

  /// Applies one event to the classic state of a subject.
  ///
  /// - Parameters:
  ///   - received: When the delivery was received.
  ///   - parent: The classic state of the subject's parent; nil if no parent is known yet.
  /// - Returns: The spans that started and ended, in order.
  package mutating func apply(
    _ mark: ClassicMark, tags: [Attribute], received: Timestamp, parent: ClassicState?, to state: inout ClassicState
  ) -> [Change] {
    switch mark.transition {
    case .start:
      if let open = state.open {
        guard open.state == mark.refines else { return [] }
        state.open?.state = mark.state
        state.open?.tags = tags
        return []
      }
      return [start(mark, at: mark.time, tags: tags, received: received, parent: parent, &state)]
    case .transition:
      if let open = state.open, open.state == mark.state { return [] }
      let ended = state.open.map { finish($0, by: mark, received: received, &state) }
      return [ended, start(mark, at: mark.time, tags: tags, received: received, parent: parent, &state)].compactMap { $0 }
    case .end:
      if let open = state.open { return [finish(open, by: mark, received: received, &state)] }
      if mark.isRepeatedEnd || mark.endsOnce && state.latestSpanID != 0 { return [] }
      // The start was missed: take it from the payload, or mark it as unknown.
      let started = start(mark, at: mark.begin ?? mark.time, tags: tags, received: received, parent: parent, &state)
      guard let open = state.open else { return [started] }
      return [started, finish(open, by: mark, received: received, isStartUnknown: mark.begin == nil, &state)]
    }
  }

  private mutating func start(
    _ mark: ClassicMark, at time: EventTime, tags: [Attribute], received: Timestamp, parent: ClassicState?,
    _ state: inout ClassicState
  ) -> Change {
    let parentID = parent.map { $0.open?.spanID ?? $0.latestSpanID } ?? 0
    let traceID = parentID == 0 ? takeID() : parent?.open?.traceID ?? parent?.latestTraceID ?? 0
    let span = ClassicState.OpenSpan(
      traceID: traceID, spanID: takeID(), parentID: parentID, eventSource: mark.eventSource, type: mark.type,
      state: mark.state, start: time, received: received, tags: tags)
    state.open = span
    state.latestTraceID = span.traceID
    state.latestSpanID = span.spanID
    return .started(span)
  }

  private func finish(
    _ span: ClassicState.OpenSpan, by mark: ClassicMark, received: Timestamp, isStartUnknown: Bool = false,
    _ state: inout ClassicState
  ) -> Change {
    state.open = nil
    return .finished(
      FinishedSpan(
        span: span, finish: mark.time, finishReceived: received, isError: mark.isError, isStartUnknown: isStartUnknown))
  }

  private mutating func takeID() -> Int64 {
    defer { nextID += 1 }
    return nextID
  }
}
