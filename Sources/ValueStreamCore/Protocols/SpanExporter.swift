/// Sends finished spans to a backend.
///
/// Calls come one at a time and in order. Repeats happen only after an answer that left the outcome open.
public protocol SpanExporter: Sendable {
  /// Name in settings, metrics and the store's cursors: `logging`, `otlp`. One exporter of a name at a time.
  var name: String { get }

  /// Sends a batch, or as much of its beginning as fits one request.
  ///
  /// - Parameter spans: at least one.
  /// - Throws: ``ExportError``, when none of the spans was taken. Retryable: they come again after a pause. Permanent: they
  ///   come again in smaller batches, until the one that is refused stands alone; if the receiver otherwise understands what
  ///   it is sent (``checkReceiver()``), that one is counted and left behind.
  func export(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt

  /// Finds out, without a span, whether the receiver understands what it is sent at all. A receiver that is no receiver (a
  /// wrong path, a wrong port) refuses every span, and none of them deserves to be given up for it.
  ///
  /// - Throws: ``ExportError`` with what it answered.
  func checkReceiver() async throws(ExportError)

  /// Sends what is held back, if anything is.
  func flush() async throws(ExportError)

  /// Releases everything. No call may follow.
  func shutdown() async
}

extension SpanExporter {
  /// For exporters whose receivers cannot be asked: believed.
  public func checkReceiver() async throws(ExportError) {}
}

/// What became of a batch.
public struct ExportReceipt: Sendable, Hashable {
  /// How many spans from the beginning of the batch were dealt with; the rest comes again.
  public var handled: Int
  /// How many of those the receiver refused for good.
  public var refused: Int
  /// What the receiver said about it, for people.
  public var reason: String?

  public init(handled: Int, refused: Int = 0, reason: String? = nil) {
    self.handled = handled
    self.refused = refused
    self.reason = reason
  }
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
