/// What an incident came after: a conclusion from other things, drawn when a span is read.
extension TraceReader {
  /// A link to the deploy of the same service that had begun last when an incident did, where nobody says which deploy caused it.
  mutating func deployBefore(_ incident: Span, under tie: ParentTie?) throws -> [LinkEnd] {
    if let tie, let parent = try subject(for: tie.parent), parent.operation != .issue { return [] }
    guard let lane = incident.lane else { return [] }
    let deploy = try latestDeploy(.deploys(of: lane.service), on: DatedName.day(of: incident.start)) { subject, candidate in
      guard candidate.end != nil, candidate.outcome == .success || candidate.outcome?.isError == true else { return nil }
      let start = subject.runStart(of: candidate)
      return start <= incident.start ? start : nil
    } where: { candidate in
      candidate.lane?.service == lane.service
        && (lane.environment.map { $0 == candidate.lane?.environment } ?? candidate.isToProduction)
    }
    guard let deploy else { return [] }
    return [
      LinkEnd(
        key: deploy.key, attempt: deploy.attempt, rule: "latest_deploy",
        attributes: [Attribute("valuestream.inferred", .bool(true))])
    ]
  }
}

extension Span {
  /// As the vendor says, else by the name of the environment; a deploy that names none goes to the only one there is.
  fileprivate var isToProduction: Bool {
    if case .bool(let isProduction) = attributes.value(of: "valuestream.deployment.production"), isProduction { return true }
    if attributes.text(of: "valuestream.deployment.tier") == "production" { return true }
    guard let environment = lane?.environment?.lowercased() else { return true }
    return environment == "live" || environment.split { !$0.isLetter }.contains { $0 == "prod" || $0 == "production" }
  }
}
