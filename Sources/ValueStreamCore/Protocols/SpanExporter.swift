/// Sends finished spans to a backend.
///
/// Calls come one at a time and in order. Repeats happen only after an answer that left the outcome open.
public protocol SpanExporter: Sendable {
  /// Name in settings, metrics and the store's cursors: `logging`, `otlp`. One exporter of a name at a time.
  var name: String { get }

  /// Sends a batch.
  ///
  /// - Throws: ``ExportError``. Retryable: the same batch comes again after a pause. Permanent: the batch is counted as
  ///   refused and left behind.
  func export(_ spans: [TracedSpan]) async throws(ExportError)

  /// Sends what is held back, if anything is.
  func flush() async throws(ExportError)

  /// Releases everything. No call may follow.
  func shutdown() async
}

/// Why a batch did not arrive.
public struct ExportError: Error, Sendable, CustomStringConvertible {
  /// True when the same batch may arrive later.
  public var isRetryable: Bool
  /// How long the receiver asked us to wait, in seconds.
  public var retryAfterSeconds: Double?
  /// What was sent where, and what came back.
  public var message: String

  public init(_ message: String, isRetryable: Bool, retryAfterSeconds: Double? = nil) {
    self.message = message
    self.isRetryable = isRetryable
    self.retryAfterSeconds = retryAfterSeconds
  }

  public var description: String { message }
}
