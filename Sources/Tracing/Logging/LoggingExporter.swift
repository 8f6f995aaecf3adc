package import ValueStreamCore

/// Writes one JSON log line per finished span.
package struct LoggingExporter: SpanExporter {
  private let logger: Logger
  private let attributes: AttributeSelection

  /// - Parameter logger: where the lines go; spans are written at level `info`.
  package init(logger: Logger, attributes: AttributeSelection) {
    self.logger = logger
    self.attributes = attributes
  }

  package var name: String { "logging" }

  package func export(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt {
    for var span in spans {
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
