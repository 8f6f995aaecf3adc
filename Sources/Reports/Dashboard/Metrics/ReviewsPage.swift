import Charts
import DeliveryMetrics
import ValueStreamCore

/// `/reviews`: whether reviews are in the way.
struct ReviewsPage {
  private let page: MetricContext
  private static let waitingLimit = 30
  private static let groupLimit = 20

  init(_ context: PageContext, _ reports: Dashboard.Reports) throws {
    page = try MetricContext(context, reports, .reviews)
  }

  func respond() throws -> HTTPResponse {
    if let data = page.data(of: "reviews") { return data }
    let query = ReviewsQuery(frame: page.frame, scope: page.question.itemScope, buckets: .week, settings: page.settings)
    // A team's page is about its repositories.
    let groupings = page.division(services: false) == .team ? [Grouping.repository, .team] : [.repository]
    let ((report, groups), events) = try ParallelReading.both(
      throwing: { [facts = page.facts] in
        try ReviewsReport.divided(query, by: groupings, from: facts)
      },
      { [page] in
        try page.events()
      })
    guard let group = report.groups.first, group.current.merged > 0 || !group.waitingNow.isEmpty else {
      return try page.page(title: "Reviews", hasServices: false, hasTypes: true) { html in
        try page.writeNothing(
          "No change was merged, and none waits for a review",
          [
            "Reviews come from pull requests of GitHub and merge requests of GitLab: add their review and comment events to the webhook."
          ],
          &html)
      }
    }
    let divided = zip(groupings, groups).map { grouping, groups in
      (
        grouping,
        groups.sorted { ($1.current.merged, $0.key.name ?? "") < ($0.current.merged, $1.key.name ?? "") }
      )
    }.filter { $0.1.count > 1 }
    let subjects = try page.subjects(group.waitingNow.prefix(Self.waitingLimit).map(\.change))
    return try page.page(title: "Reviews", hasServices: false, hasTypes: true) { html in
      try page.writeHeading(Self.sentence(group), hasServices: false, &html) { html in
        if let first = group.waitingNow.first { html.longestReview(first, subjects) }
        html.text(" Changes by bots and direct pushes are left out. No figure ranks people.")
      }
      html.element(.section, .classes("tiles")) { html in writeTiles(group, &html) }
      if !divided.isEmpty {
        html.element(.div, .classes("halves")) { html in
          for (grouping, groups) in divided { writeGroups(groups, grouping, &html) }
        }
      }
      writeWaiting(group, subjects, &html)
      html.element(.div, .classes("halves")) { html in
        writeTrend(group, events, &html)
        writeSizes(group, &html)
      }
      writeRounds(group, &html)
    }
  }

  private static func sentence(_ group: ReviewsReport.Group) -> String {
    let waiting = group.waitingNow.count { $0.firstResponse == nil }
    let response = group.current.firstResponse.median.map { "A first response takes \(FigureUnit.duration($0)) at the median" }
    let now =
      waiting == 0 ? "nobody waits for one" : "\(Wording.count(waiting, "change")) \(waiting == 1 ? "waits" : "wait") for one now"
    return response.map { "\($0); \(now)." } ?? "No first response is known; \(now)."
  }

  private func writeTiles(_ group: ReviewsReport.Group, _ html: inout HTMLWriter) {
    let (current, previous) = (group.current, group.previous)
    let (word, isAlone) = (page.question.beforeWord, page.question.comparisonText == nil)
    func duration(
      _ title: String, _ name: String, _ value: DurationSummary, _ before: DurationSummary?, _ trend: [FigureTile.Step]
    ) {
      FigureTile(
        title: title, unit: .duration, value: value.median, before: before?.median, beforeWord: word, isAlone: isAlone,
        isBetterWhenHigher: false, door: page.door(name), counted: Wording.count(value.n, "change"),
        population: value.population, leftOut: page.leftOut(name),
        remarks: value.p85.map { ["85 % within \(FigureUnit.duration($0))"] } ?? [], trend: trend, isLine: true
      ).write(to: &html)
    }
    duration(
      "First response, median", "first_response", current.firstResponse, previous?.firstResponse,
      group.trend.map { FigureTile.Step(value: $0.firstResponse.median, isPartial: $0.bucket.isPartial) })
    duration("Ready to merge, median", "ready_to_merge", current.readyToMerge, previous?.readyToMerge, [])
    duration("Waiting for a reviewer", "waiting_for_reviewer", current.waitingForReviewer, previous?.waitingForReviewer, [])
    duration("Waiting for the author", "waiting_for_author", current.waitingForAuthor, previous?.waitingForAuthor, [])
    FigureTile(
      title: "Merged without review", unit: .share, value: current.unreviewedShare, before: previous?.unreviewedShare,
      beforeWord: word, isAlone: isAlone, isBetterWhenHigher: false, door: page.door("unreviewed"),
      counted: "\(Wording.grouped(Int64(current.unreviewed))) of \(Wording.count(current.merged, "merged change"))",
      population: current.population, leftOut: page.leftOut("merged"),
      trend: group.trend.map {
        FigureTile.Step(value: $0.merged > 0 ? Double($0.unreviewed) / Double($0.merged) : nil, isPartial: $0.bucket.isPartial)
      }
    ).write(to: &html)
  }

  private func writeWaiting(_ group: ReviewsReport.Group, _ subjects: [FactID: FactSubject], _ html: inout HTMLWriter) {
    html.element(.section) { html in
      html.sectionHeading("Waiting now") { html in
        html.text(Wording.count(group.waitingNow.count, "change") + " ready for review, the longest first")
        if group.waitingNow.count > Self.waitingLimit {
          html.text(" · the first \(Self.waitingLimit); all of them are in ")
          html.element(.a, .href(page.state.with { $0.format = .json }.address(page.address)), text: ".json")
        }
      }
      if group.waitingNow.isEmpty { return html.element(.p, .classes("quiet"), text: "No change waits.") }
      html.openReviews(group.waitingNow.prefix(Self.waitingLimit), subjects)
    }
  }

  private func writeTrend(_ group: ReviewsReport.Group, _ events: TimelineEvents, _ html: inout HTMLWriter) {
    guard group.trend.contains(where: { $0.firstResponse.median != nil }) else { return }
    let chart = BandChart(
      title: "First response by week of merge", note: "line: median, dark area up to p75, light area up to p95",
      steps: group.trend.map {
        BandChart.Step(
          from: $0.bucket.window.start, to: $0.bucket.window.end, median: $0.firstResponse.median, p75: $0.firstResponse.p75,
          p95: $0.firstResponse.p95, isPartial: $0.bucket.isPartial)
      }, events: events)
    html.element(.section) { html in
      html.sectionHeading("First response by week of merge") {
        $0.text("line: median, areas up to p75 and p95 · │ release ◆ failed")
      }
      html.plot(chart.plot) { index in
        group.trend.indices.contains(index)
          ? page.door("first_response", bucket: group.trend[index].bucket.window.start) : nil
      }
      html.chartTable("first response by week", ["Week of", ">Median", ">95 %", ">Merged", ">Without review"]) { html in
        for bucket in group.trend {
          let start = bucket.bucket.window.start
          html.element(.tr) { html in
            html.element(.th, .scope("row")) { html in
              html.element(
                .a, .href(page.door("first_response", bucket: start)),
                text: Wording.day(start, now: page.now) + (bucket.bucket.isPartial ? ", partial" : ""))
            }
            for value in [bucket.firstResponse.median, bucket.firstResponse.p95] {
              html.element(.td, .classes("number"), text: FigureUnit.duration.text(value) ?? "–")
            }
            for (name, count) in [("merged", bucket.merged), ("unreviewed", bucket.unreviewed)] {
              html.element(.td, .classes("number")) { html in
                html.element(.a, .href(page.door(name, bucket: start)), text: Wording.grouped(Int64(count)))
              }
            }
          }
        }
      }
    }
  }

  private func writeSizes(_ group: ReviewsReport.Group, _ html: inout HTMLWriter) {
    let sizes = group.sizes.filter { $0.count > 0 }
    guard !sizes.isEmpty else { return }
    let chart = CategoryBarChart(
      title: "Ready to merge by size", note: "median time by added plus removed lines", values: .durations,
      bars: sizes.map {
        CategoryBarChart.Bar(
          name: $0.sizeClass?.rawValue ?? "unknown", value: $0.readyToMerge.median ?? 0,
          text: FigureUnit.duration.text($0.readyToMerge.median) ?? "–")
      })
    html.element(.section) { html in
      html.sectionHeading("Size against time") { $0.text("median from ready to merge, by added plus removed lines") }
      var tall = chart
      tall.height = 198
      html.plot(tall.plot) { index in page.door("merged", part: "size:\(sizes[index].sizeClass?.rawValue ?? "")") }
      html.scrollingTable("Size against time", classes: "list") { html in
        html.tableHead(["Lines", ">Changes", ">Ready to merge", ">85 %", ">First response", ">Without review"])
        html.element(.tbody) { html in
          for size in sizes {
            html.tableRow(
              size.sizeClass?.rawValue ?? "unknown", address: page.door("merged", part: "size:\(size.sizeClass?.rawValue ?? "")"),
              numbers: [
                Wording.grouped(Int64(size.count)), FigureUnit.duration.text(size.readyToMerge.median) ?? "–",
                FigureUnit.duration.text(size.readyToMerge.p85) ?? "–",
                FigureUnit.duration.text(size.firstResponse.median) ?? "–",
                Wording.grouped(Int64(size.unreviewed)),
              ])
          }
        }
      }
    }
  }

  private static let roundNames = ["no round", "1 round", "2 rounds", "3 or more"]

  private func writeRounds(_ group: ReviewsReport.Group, _ html: inout HTMLWriter) {
    let rounds = group.current.rounds
    guard rounds.contains(where: { $0 > 0 }) else { return }
    html.element(.section) { html in
      html.sectionHeading("Rounds") { html in
        html.text("a blocking review, then a commit, until approval")
        if let mean = group.current.averageRounds { html.text("; mean \(mean.brief) of reviewed changes") }
        if let before = group.previous?.averageRounds { html.text(", \(before.brief) \(page.question.beforeWord)") }
        html.element(.a, .href(page.door("merged")), text: "merged changes")
      }
      html.plot(
        CategoryBarChart(
          title: "Rounds of review", note: "merged changes by rounds",
          bars: zip(Self.roundNames, rounds).map {
            CategoryBarChart.Bar(name: $0, value: Double($1), text: Wording.count($1, "change"))
          }
        ).plot)
      html.chartTable("rounds of review", ["Rounds", ">Changes"]) { html in
        for (name, count) in zip(Self.roundNames, rounds) { html.tableRow(name, numbers: [Wording.grouped(Int64(count))]) }
      }
    }
  }

  private func writeGroups(_ groups: [ReviewsReport.Group], _ grouping: Grouping, _ html: inout HTMLWriter) {
    html.element(.section) { html in
      html.sectionHeading("By \(grouping.rawValue)") { html in
        if groups.count > Self.groupLimit {
          html.text("medians · \(groups.count - Self.groupLimit) with fewer merged changes are not shown")
        } else {
          html.text("medians")
        }
      }
      html.scrollingTable("Reviews by \(grouping.rawValue)", classes: "list") { html in
        html.tableHead([
          grouping.rawValue.prefix(1).uppercased() + grouping.rawValue.dropFirst(), ">Merged", ">First response",
          ">Ready to merge",
          ">Without review", ">Waiting",
        ])
        html.element(.tbody) { html in
          for group in groups.prefix(Self.groupLimit) {
            html.tableRow(
              group.key.name ?? "unknown", address: page.door("ready_to_merge", grouping: grouping, group: group.key.name),
              numbers: [
                Wording.grouped(Int64(group.current.merged)), FigureUnit.duration.text(group.current.firstResponse.median) ?? "–",
                FigureUnit.duration.text(group.current.readyToMerge.median) ?? "–",
                FigureUnit.share.text(group.current.unreviewedShare) ?? "–", "\(group.waitingNow.count)",
              ])
          }
        }
      }
    }
  }
}
