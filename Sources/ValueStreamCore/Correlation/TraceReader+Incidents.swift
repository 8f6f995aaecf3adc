/// Finds the deploy before an incident. It depends on other subjects, so it is computed when a span is read.
extension TraceReader {
  /// Returns a link to the last deploy of the same service that had begun to run when the incident started.
  ///
  /// Empty if the incident's parent already names its cause. The link has the attribute `valuestream.inferred`.
  mutating func deployBefore(_ incident: Span, under tie: ParentTie?) throws -> [LinkEnd] {
    if let tie, let parent = try subject(for: tie.parent), parent.operation != .issue { return [] }
    guard let target = incident.target else { return [] }
    var earlier = EarlierDeploys(.runs(in: target), .upTo(incident.start), for: incident.key)
    guard let deploy = try earlier.next(&self) else { return [] }
    return [
      LinkEnd(
        key: deploy.key, attempt: deploy.attempt, rule: "latest_deploy",
        attributes: [Attribute(AttributeName.valuestreamInferred, .bool(true))])
    ]
  }
}
