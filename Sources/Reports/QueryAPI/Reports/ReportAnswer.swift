import CSV
import DeliveryMetrics
import ValueStreamCore

/// Computes one report and writes it as JSON or CSV.
struct ReportAnswer {
  let request: ReportRequest
  let queries: ReportQueries
  /// How far facts were computed before the report.
  let progress: FactProgress
  /// True if more deliveries or facts were being worked on than `progress` tells.
  let isWorking: Bool
  let history: HistoryBeginning

  private var facts: any FactSource { queries.facts }

  // MARK: Reports with groups

  func dora() throws -> HTTPResponse {
    let report = try DORAReport(request.dora, from: facts)
    let open = try queries.subjects(Set(report.groups.flatMap { $0.recoveryTime.current.open.map(\.deploy) }))
    let groups = report.groups.map { group in
      let current = group.recoveryTime.current
      return AnsweredGroup(
        key: group.key,
        metrics: DORAShapes.cells(group) { request.evidence(of: $0, in: group.key) },
        buckets: group.trend.map { bucket in
          AnsweredBucket(
            bucket: bucket.bucket,
            metrics: DORAShapes.cells(bucket) { request.evidence(of: $0, in: group.key, bucket: bucket.bucket.window.start) })
        }
      ) { json in
        json.name("quick_check_2025")
        DORAShapes.quickCheck.write(group.quickCheck, to: &json)
        Self.openFailures.write(current.open.map { Named(row: $0, subjects: open) }, named: "open_failures", to: &json)
      }
    }
    return answer(
      groups, DORAShapes.columns, leftOutCount: report.leftOutGroupCount, historyBegan: report.historyBegan
    ) { json in
      json.name("quick_check_2025_all_industries")
      DORAShapes.quickCheck.write(QuickCheck.allIndustries2025, to: &json)
    }
  }

  static let openFailures = ReportRows<Named<FailedDeploymentRecoveryTime.OpenFailure>>(
    Named.subjectFields { $0.deploy } + [
      .integer("attempt", "The attempt of the deploy.") { Int($0.row.attempt) },
      .time("since", "The end of the failed release.") { $0.row.since },
      .number("age_seconds", "Time since then.") { $0.row.ageSeconds },
    ])

  func leadTime() throws -> HTTPResponse {
    let report = try LeadTimeReport(request.leadTime, from: facts)
    let slowest = report.groups.flatMap(\.slowest)
    let subjects = try queries.subjects(Set(slowest.flatMap { [$0.change, $0.deploy] }))
    let groups = report.groups.map { group in
      AnsweredGroup(
        key: group.key,
        metrics: LeadTimeShapes.cells(group) { request.evidence(of: $0, in: group.key) },
        buckets: group.trend.map { bucket in
          let name = LeadTimeShapes.bucketMetric.name
          let address = request.evidence(of: name, in: group.key, bucket: bucket.bucket.window.start)
          return AnsweredBucket(
            bucket: bucket.bucket, metrics: [LeadTimeShapes.bucketMetric.cells(bucket.summary, previous: nil, evidence: address)])
        }
      ) { json in
        json.name("lead_time_mean_seconds")
        json.value(group.meanSeconds ?? .nan)
        LeadTimeShapes.means.write(LeadTimeShapes.StageMean.all(of: group), named: "stage_means", to: &json)
        LeadTimeShapes.distribution.write(group.distribution, named: "distribution", to: &json)
        LeadTimeShapes.slowest.write(group.slowest.map { Named(row: $0, subjects: subjects) }, named: "slowest", to: &json)
      }
    }
    let columns = request.bucketWidth == nil ? LeadTimeShapes.columns : [MetricColumns(LeadTimeShapes.bucketMetric)]
    return answer(groups, columns, leftOutCount: report.leftOutGroupCount) {
      $0.member("lead_time_from", request.leadTimeFrom.rawValue)
    }
  }

  func flow() throws -> HTTPResponse {
    let report = try FlowReport(request.flow, from: facts)
    let groups = report.groups.map { group in
      AnsweredGroup(
        key: group.key, metrics: FlowShapes.cells(group) { request.evidence(of: $0, in: group.key) },
        buckets: request.bucketWidth == nil
          ? []
          : group.throughput.map { bucket in
            AnsweredBucket(
              bucket: bucket.bucket,
              metrics: [
                FlowShapes.bucketMetric.cells(
                  bucket, previous: nil,
                  evidence: request.evidence(of: "throughput", in: group.key, bucket: bucket.bucket.window.start))
              ])
          }
      ) { json in
        FlowShapes.percentiles.write(group.percentiles, named: "flow_time_percentiles", to: &json)
        FlowShapes.distribution.write(group.distribution, named: "distribution", to: &json)
        FlowShapes.timeInStatus.write(group.timeInStatus, named: "time_in_status", to: &json)
        FlowShapes.cumulativeFlow.write(group.cumulativeFlow, named: "cumulative_flow", to: &json)
        FlowShapes.bucket.write(group.throughput, named: "throughput_buckets", to: &json)
        for (name, limits) in [("throughput_limits", group.throughputLimits), ("flow_time_limits", group.flowTimeLimits)] {
          json.name(name)
          if let limits { FlowShapes.limits.write(limits, to: &json) } else { json.value(nil as String?) }
        }
      }
    }
    let columns = request.bucketWidth == nil ? FlowShapes.columns : [MetricColumns(FlowShapes.bucketMetric)]
    return answer(groups, columns, leftOutCount: report.leftOutGroupCount, historyBegan: report.historyBegan)
  }

  func reviews() throws -> HTTPResponse {
    let report = try ReviewsReport(request.reviews, from: facts)
    let subjects = try queries.subjects(Set(report.groups.flatMap { $0.waitingNow.map(\.change) }))
    let groups = report.groups.map { group in
      AnsweredGroup(
        key: group.key, metrics: ReviewShapes.cells(group) { request.evidence(of: $0, in: group.key) },
        buckets: group.trend.map { bucket in
          AnsweredBucket(
            bucket: bucket.bucket,
            metrics: ReviewShapes.bucketShapes.map { shape in
              shape.cells(
                bucket, previous: nil,
                evidence: request.evidence(of: shape.name, in: group.key, bucket: bucket.bucket.window.start))
            })
        }
      ) { json in
        ReviewShapes.sizes.write(group.sizes, named: "sizes", to: &json)
        ChangeRows.openReviews.write(
          group.waitingNow.map { Named(row: $0, subjects: subjects) }, named: "waiting_now", to: &json)
      }
    }
    let columns =
      request.bucketWidth == nil ? ReviewShapes.columns : ReviewShapes.bucketShapes.map { MetricColumns($0) }
    return answer(groups, columns, leftOutCount: report.leftOutGroupCount)
  }

  func pipelines() throws -> HTTPResponse {
    let report = try PipelinesReport(request.pipelines, from: facts)
    if request.isCSV, let list = request["list"].flatMap(PipelineShapes.List.init) {
      return csv(PipelineShapes.csv(list, of: report))
    }
    let group = AnsweredGroup(
      key: .all, metrics: PipelineShapes.cells(report) { request.evidence(of: $0, in: .all) }
    ) { PipelineShapes.write(report, to: &$0) }
    return answer([group], PipelineShapes.columns)
  }

  func incidents() throws -> HTTPResponse {
    let report = try IncidentsReport(request.incidents, from: facts)
    let rows = report.open + report.resolved
    let others = report.failures.flatMap { $0.deploys + $0.incidents + [$0.remediedBy].compactMap { $0 } }
    let subjects = try queries.subjects(Set(rows.flatMap { [$0.incident] + [$0.cause.deploy].compactMap { $0 } } + others))
    let group = AnsweredGroup(
      key: .all,
      metrics: IncidentShapes.cells(report) { metric in
        metric == DORAShapes.recoveryTime.name
          ? request.evidence(of: metric, in: .all, kind: .dora) : request.evidence(of: metric, in: .all)
      }
    ) { json in
      IncidentShapes.incidents.write(report.open.map { Named(row: $0, subjects: subjects) }, named: "open", to: &json)
      IncidentShapes.incidents.write(report.resolved.map { Named(row: $0, subjects: subjects) }, named: "resolved", to: &json)
      IncidentShapes.failures.write(report.failures.map { Named(row: $0, subjects: subjects) }, named: "failures", to: &json)
    }
    return answer([group], IncidentShapes.columns)
  }

  // MARK: Lists

  func deploys(path: String) throws -> HTTPResponse {
    let report = try DeploysReport(
      DeploysQuery(
        frame: request.frame, scope: request.scope, includesAllEnvironments: request.includesAllEnvironments,
        cursor: request["cursor"], limit: request.integer("limit") ?? 100, settings: request.settings), from: facts)
    let ids = report.rows.flatMap { row in
      [row.deploy] + [row.previous, row.release?.deploy, row.release?.remediedBy].compactMap { $0 }
        + (row.release?.incidents ?? [])
    }
    let subjects = try queries.subjects(Set(ids))
    let rows = report.rows.map { Named(row: $0, subjects: subjects) }
    return list(DeployRows.rows, rows, named: "deploys", total: report.total, next: report.next, path: path)
  }

  func changes(path: String) throws -> HTTPResponse {
    let state = request["state"].flatMap { name in
      [ChangeState.open, .merged, .abandoned].first { ChangeRows.name(of: $0) == name }
    }
    let report = try ChangesReport(
      ChangesQuery(
        frame: request.frame, scope: request.scope, state: state, cursor: request["cursor"],
        limit: request.integer("limit") ?? 100, settings: request.settings), from: facts)
    let ids = report.rows.flatMap { [$0.change] + [$0.reverts, $0.releasedBy].compactMap { $0 } }
    let subjects = try queries.subjects(Set(ids))
    let rows = report.rows.map { Named(row: $0, subjects: subjects) }
    return list(ChangeRows.rows, rows, named: "changes", total: report.total, next: report.next, path: path) { json in
      json.name("counts")
      ChangeRows.counts.write(report.counts, to: &json)
      json.name("previous_counts")
      if let previous = report.previous { ChangeRows.counts.write(previous, to: &json) } else { json.value(nil as String?) }
    }
  }

  func ageing() throws -> HTTPResponse {
    let report = try AgeingReport(
      AgeingQuery(frame: request.frame, scope: request.scope, settings: request.settings), from: facts)
    let subjects = try queries.subjects(Set(report.items.map(\.issue) + report.reviews.map(\.change)))
    let items = report.items.map { Named(row: $0, subjects: subjects) }
    let reviews = report.reviews.map { Named(row: $0, subjects: subjects) }
    if request.isCSV {
      switch request["list"].flatMap(AgeingShapes.List.init) ?? .items {
      case .items: return csv(AgeingShapes.items.csv(items))
      case .statuses: return csv(AgeingShapes.paces.csv(report.statuses))
      case .reviews: return csv(ChangeRows.openReviews.csv(reviews))
      }
    }
    return json { json in
      AgeingShapes.items.write(items, named: "items", to: &json)
      AgeingShapes.paces.write(report.statuses, named: "statuses", to: &json)
      ChangeRows.openReviews.write(reviews, named: "reviews", to: &json)
      json.member("n", report.population.n)
      json.name("coverage")
      json.value(report.population.coverage ?? .nan)
      json.leftOut(report.population)
    }
  }

  func forecast() throws -> HTTPResponse {
    guard request["items"] != nil || request["by"] != nil else {
      throw QueryError("items: expected a number of items, or a day in by, or both")
    }
    let report = try ForecastReport(
      ForecastQuery(
        frame: request.frame, scope: request.scope, items: request.integer("items"),
        by: request["by"].flatMap { request.day($0) },
        blackoutDays: request.days, seed: UInt64(request.integer("seed") ?? 1), settings: request.settings), from: facts)
    if request.isCSV { return csv(ForecastShapes.lines.csv(ForecastShapes.lines(of: report))) }
    return json { json in
      json.name("history")
      json.window(report.history, zone: report.timeZone)
      json.name("throughput")
      json.array(report.throughput) { $0.value(Int64($1)) }
      json.member("seed", Int64(clamping: report.seed))
      json.member("trials", report.trials)
      json.member("refusal", report.refusal?.rawValue)
      json.name("when")
      if let when = report.when {
        json.object { json in
          json.member("items", when.items)
          ForecastShapes.days.write(when.days, named: "days", to: &json)
          ForecastShapes.write(when.chanceByDate, named: "chance_by_date", to: &json)
        }
      } else {
        json.value(nil as String?)
      }
      json.name("how_many")
      if let howMany = report.howMany {
        json.object { json in
          json.member("days", howMany.days)
          ForecastShapes.counts.write(howMany.counts, named: "items", to: &json)
          ForecastShapes.write(howMany.chanceOfItems, named: "chance_of_items", to: &json)
        }
      } else {
        json.value(nil as String?)
      }
      json.member("n", report.population.n)
      json.name("coverage")
      json.value(report.population.coverage ?? .nan)
      json.leftOut(report.population)
    }
  }

  // MARK: Evidence

  func evidence(_ page: EvidencePage, path: String) throws -> HTTPResponse {
    let subjects = try queries.subjects(Set(page.rows.flatMap { [$0.id] + $0.related.map(\.id) }))
    let rows = page.rows.map { Named(row: $0, subjects: subjects) }
    return list(EvidenceRows.rows, rows, named: "rows", total: page.total, next: page.next, path: path)
  }

  // MARK: Writing

  private func json(_ members: (inout JSONWriter) -> Void) -> HTTPResponse {
    var json = JSONWriter()
    json.object { json in
      json.name("window")
      json.window(request.frame.window, zone: request.frame.zone.name)
      json.name("facts")
      json.object { json in
        json.member("since", progress.firstDay.map { Timestamp(seconds: Int64($0.rawValue) * 86_400).rfc3339 })
        json.member(
          "complete", progress.remainingSubjects == 0 && progress.waitingBatches == 0 && !isWorking)
        json.member("remaining_items", progress.remainingSubjects)
        json.member("waiting_batches", progress.waitingBatches)
      }
      json.name("history_begins")
      json.object { json in
        json.member("first", history.first?.rfc3339)
        json.member("last", history.last?.rfc3339)
        json.member("repositories", history.repositoryCount)
        json.member("in_window", history.count(after: request.frame.window.start))
      }
      members(&json)
    }
    return .json(json.bytes)
  }

  private func csv(_ bytes: [UInt8]) -> HTTPResponse {
    HTTPResponse(status: 200, headers: ["Content-Type": "text/csv; charset=utf-8"], body: bytes)
  }

  private func list<Row>(
    _ shape: ReportRows<Row>, _ rows: [Row], named name: String, total: Int, next: String?, path: String,
    _ more: (inout JSONWriter) -> Void = { _ in }
  ) -> HTTPResponse {
    var response =
      request.isCSV
      ? csv(shape.csv(rows))
      : json { json in
        shape.write(rows, named: name, to: &json)
        json.member("total", total)
        more(&json)
        json.member("next", next)
      }
    if let next { response.headers["Link"] = "<\(request.address(path, cursor: next))>; rel=\"next\"" }
    return response
  }

  /// Writes a report with groups.
  ///
  /// - Parameter leftOutCount: the number of groups that are missing.
  private func answer(
    _ groups: [AnsweredGroup], _ columns: [MetricColumns], leftOutCount: Int = 0, historyBegan: Timestamp? = nil,
    _ more: (inout JSONWriter) -> Void = { _ in }
  ) -> HTTPResponse {
    if request.isCSV { return csv(self.csv(groups, columns)) }
    return json { json in
      if let window = request.frame.comparedWindow {
        json.name("previous_window")
        json.window(window, zone: request.frame.zone.name)
      } else {
        json.member("previous_window", nil as String?)
      }
      json.member("history_began", historyBegan?.rfc3339)
      json.member("left_out_groups", leftOutCount)
      more(&json)
      json.name("groups")
      json.array(groups) { json, group in
        json.object { json in
          for grouping in Grouping.allCases { json.member(grouping.rawValue, request.label(grouping, of: group.key)) }
          json.name("metrics")
          json.object { json in
            for cells in group.metrics { cells.write(to: &json) }
          }
          if request.kind.hasBuckets {
            json.name("trend")
            json.array(group.buckets) { json, bucket in
              json.object { json in
                json.member("from", bucket.bucket.window.start.rfc3339)
                json.member("to", bucket.bucket.window.end.rfc3339)
                json.member("partial", bucket.bucket.isPartial)
                json.name("metrics")
                json.object { json in
                  for cells in bucket.metrics { cells.write(to: &json) }
                }
              }
            }
          }
          group.more(&json)
        }
      }
    }
  }

  /// One row for each group, or for each bucket of each group if the report has a trend.
  private func csv(_ groups: [AnsweredGroup], _ columns: [MetricColumns]) -> [UInt8] {
    var csv = CSVWriter()
    let isTrend = request.bucketWidth != nil
    let head = Grouping.allCases.map(\.rawValue) + (isTrend ? ["from", "to", "partial"] : [])
    csv.row(head + columns.flatMap(\.names))
    for group in groups {
      let labels = Grouping.allCases.map { request.label($0, of: group.key) ?? "" }
      func row(_ start: [String], _ metrics: [MetricCells]) {
        csv.row(labels + start + zip(metrics, columns).flatMap { $0.fields(previousCount: $1.previousCount) })
      }
      guard isTrend else {
        row([], group.metrics)
        continue
      }
      for bucket in group.buckets {
        let window = bucket.bucket.window
        row([window.start.rfc3339, window.end.rfc3339, bucket.bucket.isPartial ? "true" : "false"], bucket.metrics)
      }
    }
    return csv.bytes
  }
}

/// A group of a report, ready to be written.
struct AnsweredGroup {
  var key: GroupKey
  var metrics: [MetricCells]
  var buckets: [AnsweredBucket] = []
  /// Writes the members that only the JSON has.
  var more: (inout JSONWriter) -> Void
}

/// A bucket of the trend of a group.
struct AnsweredBucket {
  var bucket: TimeBucket
  var metrics: [MetricCells]
}

extension JSONWriter {
  /// Writes a window as an object.
  mutating func window(_ window: TimeWindow, zone: String) {
    object { json in
      json.member("from", window.start.rfc3339)
      json.member("to", window.end.rfc3339)
      json.member("timeZone", zone)
    }
  }

  /// Writes what was left out, with the reasons.
  mutating func leftOut(_ population: Population) {
    name("left_out")
    array(population.leftOut) { json, entry in
      json.object { json in
        json.member("reason", entry.reason.rawValue)
        json.member("count", entry.count)
      }
    }
  }
}
