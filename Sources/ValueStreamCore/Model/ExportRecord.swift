/// A line of the export ledger: the ids under which a thing went out.
///
/// What a backend was told cannot be taken back, while the store goes on learning. So the trace of a thing is fixed when it,
/// or anything below it in its trace or with a link to it, is exported for the first time; and the parent of an attempt when that is exported.
/// Records are only ever added.
public struct ExportRecord: Sendable, Hashable {
  public var key: SpanKey
  /// The trace of the thing, for good.
  public var traceID: TraceID
  /// The attempts that went out; none where only something did that names the thing.
  public var attempts: [ExportedAttempt]

  public init(key: SpanKey, traceID: TraceID, attempts: [ExportedAttempt] = []) {
    self.key = key
    self.traceID = traceID
    self.attempts = attempts
  }

  /// The record of an attempt, if it went out.
  public func attempt(_ number: Int) -> ExportedAttempt? {
    attempts.first { $0.number == number }
  }
}

/// One attempt as it was exported.
public struct ExportedAttempt: Sendable, Hashable {
  public var number: Int
  /// Nil when it went out without a parent.
  public var parentSpanID: SpanID?

  public init(number: Int, parentSpanID: SpanID?) {
    self.number = number
    self.parentSpanID = parentSpanID
  }
}
