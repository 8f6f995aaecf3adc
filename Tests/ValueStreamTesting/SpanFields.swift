package import Testing
package import ValueStreamCore

extension TracedSpan {
  /// Everything that a span says, as text. Drop what two accounts of it need not share before you compare them.
  package var fields: String {
    func text(_ attributes: [Attribute]) -> [String] { attributes.map { "\($0.name)=\($0.value)" } }
    let tie = parent.map { "\($0.parent) by \($0.rule.name) attempt \($0.attempt.map(String.init) ?? "any")" } ?? "nothing"
    return """
      \(span.key) attempt \(span.attempt) named \(span.name) operation \(span.operation) project \(span.project ?? "") \
      owner \(span.owner ?? "") start \(span.start) unknown \(span.isStartUnknown) end \(span.end?.rfc3339 ?? "") \
      unknown \(span.isEndUnknown) state \(span.state) outcome \(span.outcome?.rawValue ?? "") under \(tie) \
      trace \(traceID) parent span \(parentSpanID.map { "\($0)" } ?? "") \
      phases \(span.phases.map { "\($0.track) \($0.name) \($0.start) \($0.end?.rfc3339 ?? "") \($0.outcome?.rawValue ?? "")" }) \
      events \(span.events.map { "\($0.name) \($0.time) \(text($0.attributes))" }) \
      stated links \(span.links.map { "\($0.reference) \($0.rule)" }) \
      links \(links.map { "\($0.key) \($0.traceID) \($0.spanID) \($0.rule) \(text($0.attributes)) \($0.name ?? "")" }) \
      attributes \(text(span.attributes))
      """
  }
}

/// Checks that an import says what the webhooks of the same time say, and shows the first span that differs.
package func expectSameSpans(
  _ imported: [String], as webhooks: [String], sourceLocation: SourceLocation = #_sourceLocation
) {
  for (left, right) in zip(webhooks, imported) where left != right {
    Issue.record("webhooks: \(left)\nimport:   \(right)", sourceLocation: sourceLocation)
    break
  }
  #expect(imported.count == webhooks.count, sourceLocation: sourceLocation)
}
