package import ValueStreamCore

/// Writes one JSON log line per finished span.
package struct LoggingExporter: SpanExporter {
  private let logger: Logger
  private let attributes: AttributeSelection
  private let hasRoom: @Sendable () -> Bool

  /// - Parameters:
  ///   - logger: Where the lines go. Spans are written at level `info`.
  ///   - hasRoom: Returns false while a line could be lost. Spans wait until it returns true.
  package init(logger: Logger, attributes: AttributeSelection, hasRoom: @escaping @Sendable () -> Bool = { true }) {
    self.logger = logger
    self.attributes = attributes
    self.hasRoom = hasRoom
  }

  package var name: String { "logging" }

  package func export(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt {
    for (index, var span) in spans.enumerated() {
      guard hasRoom() else {
        if index > 0 { return ExportReceipt(handled: index) }
        throw ExportError("standard output is not read", isRetryable: true)
      }
      span.span.attributes = attributes.select(span.span.attributes)
      logger.log(.info, "finished span") { line in
        line.name("span")
        span.write(to: &line)
      }
    }
    return ExportReceipt(handled: spans.count)
  }

  package func flush() async throws(ExportError) {}

  package func shutdown() async {}
}
