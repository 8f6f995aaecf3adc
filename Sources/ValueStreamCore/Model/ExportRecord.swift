/// One line of the export ledger: the ids under which a subject was exported.
///
/// Exported spans cannot be changed, but the store keeps learning. So the ledger fixes the trace of a subject when the
/// subject, something below it in its trace, or something with a link to it is first exported. It fixes the parent of an
/// attempt when that attempt is exported. Records are only ever added.
public struct ExportRecord: Sendable, Hashable {
  public var key: SubjectKey
  /// The final trace of the subject.
  public var traceID: TraceID
  /// The exported attempts; empty if only spans below the subject, or with a link to it, have been exported.
  public var attempts: [ExportedAttempt]

  public init(key: SubjectKey, traceID: TraceID, attempts: [ExportedAttempt] = []) {
    self.key = key
    self.traceID = traceID
    self.attempts = attempts
  }

  /// The record of an attempt; nil if it has not been exported.
  public func attempt(_ number: Int) -> ExportedAttempt? {
    attempts.first { $0.number == number }
  }
}

/// One attempt, as exported.
public struct ExportedAttempt: Sendable, Hashable {
  public var number: Int
  /// The exported parent; nil if the span was exported without one.
  public var parentSpanID: SpanID?

  public init(number: Int, parentSpanID: SpanID?) {
    self.number = number
    self.parentSpanID = parentSpanID
  }
}
