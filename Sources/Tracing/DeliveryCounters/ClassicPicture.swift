package import ValueStreamCore

/// The spans as the Go ValueStream would have shown them: a small state machine over events in the order of arrival, apart
/// from the real spans. `tracer=mock` and the `webhooks_event_*` metrics show it.
///
/// The machine's place for each thing is kept with the thing (``ClassicState``); here is only what it is moved on by.
package struct ClassicPicture: Sendable {
  /// A classic span that ended.
  package struct FinishedSpan: Sendable, Hashable {
    package var span: ClassicState.OpenSpan
    package var finish: EventTime
    package var finishReceived: Timestamp
    package var isError: Bool
    /// True when the event that ended it told nothing of its start.
    package var isStartUnknown: Bool

    /// By the vendor's clock where it told both times, else by the receipt of the two deliveries; nil when the start is
    /// unknown. Never negative: vendor times that run backwards give 0.
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

  /// The number the next span or trace gets; counts up over the life of a store.
  package private(set) var nextID: Int64

  package init(nextID: Int64 = 1) {
    self.nextID = nextID
  }

  /// Moves a thing's classic picture on by one event.
  ///
  /// - Parameters:
  ///   - parent: the picture of the thing's parent, as far as it is known now.
  ///   - received: when the delivery was received.
  /// - Returns: what started and ended, in order.
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
      // The start was missed: the payload tells it, or it is unknown.
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
