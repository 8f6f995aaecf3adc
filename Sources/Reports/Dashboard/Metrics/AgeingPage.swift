import Charts
import DeliveryMetrics
import ValueStreamCore

/// `/ageing`: open items by status and age, over the ages at which finished items left each status.
struct AgeingPage {
  private let page: MetricContext
  /// An item is stale if its status did not change for so long.
  private static let staleSeconds = 7 * 86_400.0
  private static let rowLimit = 100
  private static let talkLimit = 12
  private static let reviewLimit = 10
  private static let columnLimit = 8

  init(_ context: PageContext, _ reports: Dashboard.Reports) throws {
    page = try MetricContext(context, reports, .ageing)
  }

  func respond() throws -> HTTPResponse {
    if let data = page.data(of: "ageing") { return data }
    let report = try AgeingReport(
      AgeingQuery(frame: page.frame, scope: page.question.itemScope, settings: page.settings), from: page.facts)
    guard !report.items.isEmpty || !report.reviews.isEmpty else {
      return try page.page(title: "Ageing", hasServices: false, hasTypes: true, isCompared: false) { html in
        try page.writeNothing(
          "Nothing is in progress",
          [
            "This page shows issues on which work has begun, and changes that wait for a review.",
            "Issues are open, but none is here? Work begins with the first status that is not one before work, such as To Do or "
              + "Backlog, or with the first change or assignment.",
          ], &html)
      }
    }
    let subjects = try page.subjects(report.items.map(\.issue) + report.reviews.prefix(Self.reviewLimit).map(\.change))
    let columns = Self.columns(of: report)
    return try page.page(title: "Ageing", hasServices: false, hasTypes: true, isCompared: false) { html in
      try page.writeHeading(Self.sentence(report), hasServices: false, isCompared: false, &html) { html in
        if let first = report.reviews.first { html.longestReview(first, subjects) }
        writeBasis(report, &html)
      }
      html.element(.div, .classes("with-rail roomy")) { html in
        writeChart(report, columns, subjects, &html)
        writeTalk(report, subjects, &html)
      }
      writeItems(report, subjects, &html)
      writeReviews(report, subjects, &html)
    }
  }

  private static func isStale(_ item: AgeingReport.Item, _ now: Timestamp) -> Bool {
    item.statusSince.map { now.seconds(since: $0) >= staleSeconds } ?? false
  }

  private static func sentence(_ report: AgeingReport) -> String {
    let count = report.items.count
    guard count > 0 else { return "No issue is in progress; \(Wording.count(report.reviews.count, "change")) wait in review." }
    let old = report.items.count { $0.band == .p95 }
    let past = report.items.count { $0.band == .p85 }
    let all = "\(Wording.count(count, "item")) in progress"
    if old > 0 { return "\(Wording.grouped(Int64(old))) of \(all) \(old == 1 ? "is" : "are") older than 95 % of their kind." }
    if past > 0 { return "\(Wording.grouped(Int64(past))) of \(all) \(past == 1 ? "is" : "are") older than 85 % of their kind." }
    return "\(all.prefix(1).uppercased() + all.dropFirst()), none unusually old."
  }

  private func writeBasis(_ report: AgeingReport, _ html: inout HTMLWriter) {
    let blocked = report.items.count(where: \.isBlocked)
    let stale = report.items.count { Self.isStale($0, report.now) }
    if blocked + stale > 0 { html.text(" \(blocked) blocked, \(stale) in one status for 7 days or more.") }
    html.text(" ")
    html.element(.a, .href(page.door("age")), text: Wording.count(report.population.n, "item") + " in progress")
    html.coverage(of: report.population, leftOut: page.leftOut("age"))
    html.text(". Bands: the ages at which items done in this period left each status.")
  }

  // MARK: Chart

  /// The statuses to show: those with open items, in the order of work, and one for items without a status.
  private static func columns(of report: AgeingReport) -> [AgeingReport.Pace] {
    let inUse = report.statuses.filter { $0.open > 0 && !$0.status.isEmpty }
    var columns = inUse.count <= columnLimit ? inUse : Array(inUse.sorted { $0.open > $1.open }.prefix(columnLimit))
    let without = report.items.count { ($0.status ?? "").isEmpty }
    if without > 0 {
      columns.append(AgeingReport.Pace(status: "", open: without))
    }
    return columns
  }

  /// The sign of a type of items: the same for a type on the whole page.
  private static func signs(_ report: AgeingReport) -> [String?: String] {
    let counts = Dictionary(grouping: report.items, by: \.type).mapValues(\.count)
    let order = counts.sorted { ($1.value, $0.key ?? "") < ($0.value, $1.key ?? "") }.map(\.key)
    let signs = ["●", "■", "▲", "◆"]
    return Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0 < signs.count ? signs[$0] : "✚") })
  }

  private static func passed(_ band: AgeingReport.Band?) -> Int? {
    band.flatMap { AgeingReport.Band.allCases.firstIndex(of: $0) }
  }

  private func writeChart(
    _ report: AgeingReport, _ columns: [AgeingReport.Pace], _ subjects: [FactID: FactSubject], _ html: inout HTMLWriter
  ) {
    let signs = Self.signs(report)
    let shown = report.items.filter { item in columns.contains { $0.status == item.status ?? "" } }
    let chart = AgeingChart(
      title: "Age by status", note: "age of each item in progress, over the ages at which finished items left the status",
      columns: columns.map { pace in
        AgeingChart.Column(
          name: pace.status.isEmpty ? "no status" : pace.status,
          detail: Wording.count(pace.open, "item") + (pace.p50 == nil ? ", no bands" : ""),
          bands: [pace.p50, pace.p70, pace.p85, pace.p95].compactMap { $0 })
      },
      items: shown.map { item in
        AgeingChart.Item(
          column: columns.firstIndex { $0.status == item.status ?? "" } ?? 0, seconds: item.ageSeconds,
          name: subjects[item.issue]?.name ?? "an item", band: Self.passed(item.band), sign: signs[item.type] ?? "●",
          isBlocked: item.isBlocked, isStale: Self.isStale(item, report.now))
      })
    html.element(.section) { html in
      html.sectionHeading("Age by status") { html in
        for (type, sign) in signs.sorted(by: { $0.value < $1.value }) where sign != "✚" {
          html.element(.span) { html in
            html.text("\(sign) ")
            html.foreign(type ?? "no type")
          }
        }
        html.element(.span, text: "◯ red: blocked")
        html.element(.span, text: "◌ dashed: 7 d in its status")
        html.element(.a, .href(page.door("throughput")), text: "items behind the bands")
      }
      if report.items.isEmpty { return html.element(.p, .classes("quiet"), text: "No issue is in progress.") }
      html.plot(chart.plot, classes: "tall-plot") { index in page.address(of: subjects[shown[index].issue]) }
      html.chartTable("bands of each status", ["Status", ">Open", ">p50", ">p70", ">p85", ">p95", ">Finished items"]) { html in
        for pace in report.statuses {
          html.tableRow(
            pace.status.isEmpty ? "no status" : pace.status,
            numbers: [Wording.grouped(Int64(pace.open))]
              + [pace.p50, pace.p70, pace.p85, pace.p95].map { FigureUnit.duration.text($0) ?? "–" }
              + [Wording.grouped(Int64(pace.n))])
        }
      }
      if report.statuses.contains(where: { $0.open > 0 && $0.p50 == nil }) {
        html.element(.p, .classes("quiet"), text: "A status has bands once ten items that were done in this period have left it.")
      }
    }
  }

  // MARK: Lists

  private func writeTalk(_ report: AgeingReport, _ subjects: [FactID: FactSubject], _ html: inout HTMLWriter) {
    let old = report.items.filter { $0.band == .p95 || $0.band == .p85 || $0.isBlocked }
      .sorted { (Self.passed($1.band) ?? 0, $1.ageSeconds) < (Self.passed($0.band) ?? 0, $0.ageSeconds) }
    html.element(.aside, .classes("rail"), .label("Talk about today")) { html in
      html.sectionHeading("Talk about today") { $0.text("past p85 or blocked, worst first") }
      guard !old.isEmpty else { return html.element(.p, .classes("quiet"), text: "Nothing is past p85 or blocked.") }
      html.element(.table, .classes("figures")) { html in
        html.element(.caption, text: "Talk about today")
        html.element(.tbody) { html in
          for item in old.prefix(Self.talkLimit) {
            html.element(.tr) { html in
              html.element(.th, .scope("row")) { html in
                html.word("", item.band == .p95 ? .bad : .attention)
                html.subject(item.issue, subjects)
                html.text(" · ")
                html.foreign(words(item, report), .classes("quiet"))
              }
              html.element(.td, .classes("number"), text: FigureUnit.duration(item.ageSeconds))
            }
          }
        }
      }
      if old.count > Self.talkLimit { html.element(.p, .classes("quiet"), text: "and \(old.count - Self.talkLimit) more, below") }
    }
  }

  private func words(_ item: AgeingReport.Item, _ report: AgeingReport) -> String {
    var words = [item.status ?? "no status"]
    if item.isBlocked { words.append("blocked") }
    if Self.isStale(item, report.now), let since = item.statusSince {
      words.append("there for \(FigureUnit.duration(report.now.seconds(since: since)))")
    }
    return words.joined(separator: ", ")
  }

  private func writeItems(_ report: AgeingReport, _ subjects: [FactID: FactSubject], _ html: inout HTMLWriter) {
    guard !report.items.isEmpty else { return }
    html.element(.section) { html in
      html.sectionHeading("In progress") { html in
        html.text("the oldest first")
        if report.items.count > Self.rowLimit {
          html.element(.a, .href(page.door("age")), text: "all \(Wording.count(report.items.count, "item"))")
        }
      }
      html.scrollingTable("Items in progress", classes: "list") { html in
        html.tableHead(["Item", "Status", ">Age", "Past", "In status since", "Type", "Project", "Marks"])
        html.element(.tbody) { html in
          for item in report.items.prefix(Self.rowLimit) {
            html.element(.tr) { html in
              html.element(.th, .scope("row")) { $0.subject(item.issue, subjects) }
              html.element(.td) { $0.foreign(item.status ?? "–") }
              html.element(.td, .classes("number"), text: FigureUnit.duration(item.ageSeconds))
              html.element(.td) { html in
                switch item.band {
                case .p95?: html.word("p95", .bad)
                case .p85?: html.word("p85", .attention)
                case .p70?: html.text("p70")
                case .p50?: html.text("p50")
                case .belowP50?: html.element(.span, .classes("quiet"), text: "under p50")
                case nil: html.element(.span, .classes("quiet"), text: "no bands")
                }
              }
              html.element(.td) { html in
                if let since = item.statusSince { html.time(since, now: page.now) } else { html.text("–") }
              }
              html.element(.td) { $0.foreign(item.type ?? "") }
              html.element(.td) { $0.foreign(item.project ?? "") }
              html.element(.td) { html in
                if item.isBlocked { html.word("blocked ", .bad) }
                if Self.isStale(item, report.now) { html.word("stale", .attention) }
              }
            }
          }
        }
      }
    }
  }

  private func writeReviews(_ report: AgeingReport, _ subjects: [FactID: FactSubject], _ html: inout HTMLWriter) {
    guard !report.reviews.isEmpty else { return }
    html.element(.section) { html in
      html.sectionHeading("In review") { html in
        html.text("the longest first")
        html.element(
          .a, .href(page.question.kept.address(Address("reviews"))),
          text: "all \(Wording.count(report.reviews.count, "change")) and how reviews go")
      }
      html.openReviews(report.reviews.prefix(Self.reviewLimit), subjects)
    }
  }
}

extension HTMLWriter {
  /// Writes a sentence about the change that has been in review for the longest time.
  mutating func longestReview(_ review: AgeingReport.OpenReview, _ subjects: [FactID: FactSubject]) {
    text(" The longest in review is ")
    subject(review.change, subjects)
    text(", for \(FigureUnit.duration(review.ageSeconds))\(review.firstResponse == nil ? " without a response" : "").")
  }

  /// Writes a table of changes that are ready for review.
  mutating func openReviews(_ reviews: ArraySlice<AgeingReport.OpenReview>, _ subjects: [FactID: FactSubject]) {
    scrollingTable("Changes in review", classes: "list") { html in
      html.tableHead(["Change", ">Ready for", "First response", ">Rounds", "Lines", "Repository"])
      html.element(.tbody) { html in
        for review in reviews {
          html.element(.tr) { html in
            html.element(.th, .scope("row")) { $0.subject(review.change, subjects) }
            html.element(.td, .classes("number"), text: FigureUnit.duration(review.ageSeconds))
            html.element(.td) { html in
              if let first = review.firstResponse {
                html.text("after \(Wording.duration(from: review.ready, to: max(first, review.ready)))")
              } else {
                html.word("nobody yet", .attention)
              }
            }
            html.element(.td, .classes("number"), text: "\(review.reviewRounds)")
            html.element(.td, text: review.sizeClass?.rawValue ?? "unknown")
            html.element(.td) { $0.foreign(review.repository ?? "") }
          }
        }
      }
    }
  }
}
