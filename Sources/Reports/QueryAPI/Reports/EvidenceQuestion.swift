import DeliveryMetrics
import ValueStreamCore

/// A question for the rows behind a number.
struct EvidenceQuestion {
  private let request: ReportRequest
  /// The name of the metric as in the address.
  private let metric: String
  /// The part and what stands after the colon: `left-out:clock`.
  private let part: String
  private let detail: String?

  init(_ request: ReportRequest, _ metric: String) {
    self.request = request
    self.metric = metric
    let words = (request["part"] ?? "counted").split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    part = words.first.map(String.init) ?? ""
    detail = words.count > 1 ? String(words[1]) : nil
  }

  /// - Parameters:
  ///   - limit: of rows, unless the request has one.
  ///   - breakdown: The five metrics of the same window and scope, if they are known.
  func page(from facts: any FactSource, limit: Int = 100, sharing breakdown: DORABreakdown? = nil) throws -> EvidencePage {
    let page = request.page(limit: limit)
    let (group, period, bucket) = (request.group, request.period, request.bucketStart)
    switch request.kind {
    case .dora:
      guard let metric = DORAMetric(rawValue: metric.replacing("-", with: "_")) else { break }
      let evidence = DORAEvidence(metric, group: group, period: period, bucket: bucket, part: try doraPart(of: metric))
      if let breakdown { return try breakdown.rows(evidence, page: page, from: facts) }
      return try DORAReport.evidence(evidence, request.dora, from: facts, page: page)
    case .leadTime:
      let evidence = LeadTimeEvidence(
        group: group, period: period, bucket: bucket, stage: LeadTimeStage(rawValue: metric), part: try plainPart())
      return try LeadTimeReport.evidence(evidence, request.leadTime, from: facts, page: page)
    case .flow:
      let evidence = FlowEvidence(group: group, period: period, bucket: bucket, part: try flowPart())
      return try FlowReport.evidence(evidence, request.flow, from: facts, page: page)
    case .reviews:
      let evidence = ReviewsEvidence(group: group, period: period, bucket: bucket, part: try reviewsPart())
      return try ReviewsReport.evidence(evidence, request.reviews, from: facts, page: page)
    case .pipelines:
      let evidence = PipelinesEvidence(period: period, part: try pipelinesPart())
      return try PipelinesReport.evidence(evidence, request.pipelines, from: facts, page: page)
    case .incidents:
      let evidence = IncidentsEvidence(period: period, part: try incidentsPart())
      return try IncidentsReport.evidence(evidence, request.incidents, from: facts, page: page)
    case .deploys, .changes, .ageing, .forecast: break
    }
    return EvidencePage(rows: [], total: 0)
  }

  // MARK: Parts

  private func plainPart() throws(QueryError) -> EvidencePart {
    if let part = try countedOrLeftOut() { return part }
    throw mistake("counted, left-out, or left-out:REASON")
  }

  /// Nil for a part that only some metrics have.
  private func countedOrLeftOut() throws(QueryError) -> EvidencePart? {
    switch (part, detail) {
    case ("counted", nil): return .counted
    case ("left-out", nil): return .leftOut(nil)
    case ("left-out", let reason?):
      guard let reason = LeftOutReason(rawValue: reason) else {
        throw mistake("left-out: and one of \(LeftOutReason.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return .leftOut(reason)
    default: return nil
    }
  }

  private func mistake(_ expected: String) -> QueryError {
    QueryError("part", request["part"] ?? "", expected: expected)
  }

  private func doraPart(of metric: DORAMetric) throws(QueryError) -> DORAEvidence.Part {
    switch try countedOrLeftOut() {
    case .counted?: return .counted
    case .leftOut(let reason)?: return .leftOut(reason)
    case nil: break
    }
    let verdicts = [Verdict.ok, .failed, .takenBack, .pending]
    switch (metric, part, detail) {
    case (.changeFailRate, "verdict", let name?):
      if let verdict = verdicts.first(where: { $0.rawValue == name }) { return .verdict(verdict) }
    case (.changeFailRate, "rule", let name?):
      if let rule = FailureRule(rawValue: name) { return .rule(rule) }
    case (.reworkRate, "rework", nil): return .rework(nil)
    case (.reworkRate, "rework", let name?):
      if let reason = ReworkReason(rawValue: name) { return .rework(reason) }
    case (.recoveryTime, "open", nil): return .open
    case (.recoveryTime, "detected", nil): return .detected
    default: break
    }
    let more =
      switch metric {
      case .changeFailRate:
        ", verdict:\(verdicts.map(\.rawValue).joined(separator: "|")), rule:\(FailureRule.allCases.map(\.rawValue).joined(separator: "|"))"
      case .reworkRate: ", rework, rework:\(ReworkReason.allCases.map(\.rawValue).joined(separator: "|"))"
      case .recoveryTime: ", open, detected"
      case .leadTime, .deploymentFrequency: ""
      }
    throw mistake("counted, left-out, left-out:REASON\(more)")
  }

  private func flowPart() throws(QueryError) -> FlowEvidence.Part {
    switch (part, detail) {
    case ("type", let name?): return .type(name.isEmpty ? nil : name)
    case ("status", let name?): return .status(name)
    default: break
    }
    switch metric {
    case "throughput":
      guard part == "counted" else { throw mistake("counted, type:NAME or status:NAME") }
      return .throughput
    case "load":
      guard part == "counted" else { throw mistake("counted") }
      return .load
    case "efficiency": return .efficiency(try plainPart())
    case "open-time": return .openTime(try plainPart())
    default: return .flowTime(try plainPart())
    }
  }

  private func reviewsPart() throws(QueryError) -> ReviewsEvidence.Part {
    if part == "size", let detail {
      if detail.isEmpty { return .size(nil) }
      guard let size = SizeClass(rawValue: detail) else {
        throw mistake("size: and one of \(SizeClass.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return .size(size)
    }
    switch metric {
    case "first-response": return .firstResponse(try plainPart())
    case "ready-to-merge": return .readyToMerge(try plainPart())
    case "waiting-for-reviewer", "waiting-for-author", "unreviewed":
      guard part == "counted" else { throw mistake("counted") }
      return metric == "unreviewed" ? .unreviewed : metric == "waiting-for-author" ? .waitingForAuthor : .waitingForReviewer
    default: return .merged(try plainPart())
    }
  }

  private func pipelinesPart() throws(QueryError) -> PipelinesEvidence.Part {
    guard part == "counted" else { throw mistake("counted") }
    return switch metric {
    case "rerun": .rerun
    case "of-changes": .ofChanges
    case "flaky": .flaky
    default: .failed
    }
  }

  private func incidentsPart() throws(QueryError) -> IncidentsEvidence.Part {
    switch metric {
    case "time-to-resolve": return .timeToResolve(try plainPart())
    case "time-to-detect": return .timeToDetect(try plainPart())
    default: break
    }
    switch (part, detail) {
    case ("counted", nil): return .began
    case ("open", nil): return .open
    case ("cause", let name?):
      if let basis = IncidentCause.Basis(rawValue: name) { return .cause(basis) }
    default: break
    }
    throw mistake("counted, open, or cause:\(IncidentCause.Basis.allCases.map(\.rawValue).joined(separator: "|"))")
  }
}

extension ReportRequest {
  var dora: DORAQuery {
    DORAQuery(
      frame: frame, scope: scope, grouping: grouping, leadTimeFrom: leadTimeFrom, buckets: bucketWidth, settings: settings)
  }

  var leadTime: LeadTimeQuery {
    LeadTimeQuery(frame: frame, scope: scope, grouping: grouping, from: leadTimeFrom, buckets: bucketWidth, settings: settings)
  }

  var flow: FlowQuery {
    FlowQuery(frame: frame, scope: scope, grouping: grouping, buckets: bucketWidth ?? .week, settings: settings)
  }

  var reviews: ReviewsQuery {
    ReviewsQuery(frame: frame, scope: scope, grouping: grouping, buckets: bucketWidth, settings: settings)
  }

  var pipelines: PipelinesQuery {
    PipelinesQuery(frame: frame, scope: scope, limit: integer("limit") ?? 50, settings: settings)
  }

  var incidents: IncidentsQuery { IncidentsQuery(frame: frame, scope: scope, settings: settings) }
}
