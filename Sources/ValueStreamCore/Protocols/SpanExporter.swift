/// Sends finished spans to a backend.
///
/// Calls come one at a time and in order. A span that the backend may have accepted is sent again only if the response
/// left that open.
public protocol SpanExporter: Sendable {
  /// The name in settings, metrics and export progress: `logging`, `otlp`. Only one exporter of a name runs at a time.
  var name: String { get }

  /// Sends a batch, or as many of its first spans as fit into one request.
  ///
  /// - Parameter spans: at least one span.
  /// - Throws: ``ExportError`` if the backend accepted none of the spans. After a retryable error, the same spans come
  ///   again after a pause. After a permanent error, they come again in smaller batches until the rejected span is
  ///   alone. If ``checkBackend()`` then succeeds, that span is counted as rejected and skipped.
  func export(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt

  /// Checks without sending a span that the backend accepts requests of this format at all.
  ///
  /// A wrong path or port rejects every span. This check keeps such a mistake from discarding spans.
  ///
  /// - Throws: ``ExportError`` with the response of the backend.
  func checkBackend() async throws(ExportError)

  /// Sends all buffered spans.
  func flush() async throws(ExportError)

  /// Releases all resources. Do not use the exporter afterwards.
  func shutdown() async
}

extension SpanExporter {
  /// Does nothing. For exporters whose backends offer no such check: they count as working.
  public func checkBackend() async throws(ExportError) {}
}

/// The result of exporting a batch.
public struct ExportReceipt: Sendable, Hashable {
  /// How many spans from the start of the batch are done. The remaining spans come again.
  public var handled: Int
  /// How many of the handled spans the backend rejected for good.
  public var refused: Int
  /// The backend's message about it, for people.
  public var reason: String?

  public init(handled: Int, refused: Int = 0, reason: String? = nil) {
    self.handled = handled
    self.refused = refused
    self.reason = reason
  }
}

/// Why exporting a batch failed.
public struct ExportError: Error, Sendable, CustomStringConvertible {
  /// True if sending the same batch later may succeed.
  public var isRetryable: Bool
  /// The delay that the backend asked for, in seconds.
  public var retryAfterSeconds: Double?
  /// What was sent to which address, and the response.
  public var message: String

  public init(_ message: String, isRetryable: Bool, retryAfterSeconds: Double? = nil) {
    self.message = message
    self.isRetryable = isRetryable
    self.retryAfterSeconds = retryAfterSeconds
  }

  public var description: String { message }
}
