/// The state of one subject in the classic format. Events change it in order of arrival.
public struct ClassicState: Sendable, Hashable {
  /// A classic span that has started but not ended.
  public struct OpenSpan: Sendable, Hashable {
    public var traceID: Int64
    public var spanID: Int64
    /// The parent's id. 0 for none.
    public var parentID: Int64
    public var eventSource: String
    public var type: String
    public var state: String
    public var start: EventTime
    /// When the event that started the span was received.
    public var received: Timestamp
    public var tags: [Attribute]

    public init(
      traceID: Int64, spanID: Int64, parentID: Int64, eventSource: String, type: String, state: String, start: EventTime,
      received: Timestamp, tags: [Attribute]
    ) {
      self.traceID = traceID
      self.spanID = spanID
      self.parentID = parentID
      self.eventSource = eventSource
      self.type = type
      self.state = state
      self.start = start
      self.received = received
      self.tags = tags
    }
  }

  public var open: OpenSpan?
  /// The ids of the newest classic span, open or ended. 0 if there was none.
  public var latestTraceID: Int64 = 0
  public var latestSpanID: Int64 = 0

  public init() {}
}
