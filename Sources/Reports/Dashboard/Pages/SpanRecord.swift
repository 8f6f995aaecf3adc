import ValueStreamCore

/// A span as a row of CSV.
enum SpanRecord {
  static let columns = [
    "key", "attempt", "name", "title", "operation", "source", "project", "service", "environment", "start", "end", "outcome",
    "author", "trace_id", "span_id", "parent_key", "parent_rule",
  ]

  static func fields(of traced: TracedSpan) -> [String?] {
    let span = traced.span
    return [
      span.key.description, String(span.attempt), span.name, span.givenTitle, span.operation.rawValue, span.source, span.project,
      span.service, span.environment, span.start.rfc3339, span.end?.rfc3339, span.outcome?.rawValue, span.author,
      traced.traceID.description, span.id.description, traced.parent?.parent.description, traced.parent?.rule.name,
    ]
  }
}
