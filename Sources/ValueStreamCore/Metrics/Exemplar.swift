/// A span that was counted.
///
/// It is named by its key and not by its trace, which a parent that is told later may still change.
public struct CountedSpan: Sendable, Hashable {
  public var key: SpanKey
  public var attempt: Int
  /// When it was counted, by our clock.
  public var time: Timestamp

  public init(key: SpanKey, attempt: Int, time: Timestamp) {
    self.key = key
    self.attempt = attempt
    self.time = time
  }
}

/// An observation in a bucket of a histogram and the span it was of: the way from a number to a trace.
public struct Exemplar: Sendable, Hashable {
  public var value: Double
  public var span: CountedSpan

  public init(value: Double, span: CountedSpan) {
    self.value = value
    self.span = span
  }
}
