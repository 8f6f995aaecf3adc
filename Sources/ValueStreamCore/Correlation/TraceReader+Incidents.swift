/// What an incident came after: a conclusion from other things, drawn when a span is read.
extension TraceReader {
  /// A link to the deploy of the same service that had begun last when an incident did, where nobody says which deploy caused it.
  mutating func deployBefore(_ incident: Span, under tie: ParentTie?) throws -> [LinkEnd] {
    if let tie, let parent = try subject(for: tie.parent), parent.operation != .issue { return [] }
    guard let lane = incident.lane else { return [] }
    var earlier = EarlierDeploys(.runs(of: lane.service, to: lane.environment), .upTo(incident.start))
    guard let deploy = try earlier.next(&self) else { return [] }
    return [
      LinkEnd(
        key: deploy.key, attempt: deploy.attempt, rule: "latest_deploy",
        attributes: [Attribute("valuestream.inferred", .bool(true))])
    ]
  }
}
