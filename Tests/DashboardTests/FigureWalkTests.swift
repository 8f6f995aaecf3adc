import DeliveryMetrics
import Testing
import ValueStreamCore

@testable import Dashboard

/// Follows the figures of pages to the rows behind them, as a reader does who clicks them.
@Suite("From each figure to its rows")
struct FigureWalkTests {
  private static let pages = [
    "/", "/lead-time", "/flow", "/reviews", "/pipelines", "/incidents", "/ageing", "/forecast?items=12&by=2026-04-01&seed=7",
    "/reports/lead_time", "/reports/change_fail_rate", "/reports/deployment_frequency", "/reports/rework_rate",
    "/reports/failed_deployment_recovery_time", "/pipelines/nightly%2Fbuild", "/?team=web", "/reviews?compare=none",
    "/flow?from=2026-01-10&to=2026-02-20", "/lead-time?from=2026-01-10&to=2026-02-20&compare=year",
  ]

  /// Figures of all runs, which daily roll-ups tell. They keep no rows.
  private static let withoutRows = ["Run time, median", "Time in the queue, median"]

  /// The table of the same kind: what ran jobs.
  private static let tableWithoutRows = "Runners"

  /// The columns of tables that count the rows to which their row leads.
  private static let counts: Set<String> = ["Changes", "Items", "Items done", "Merged", "n", "Rows"]

  private static func samples() throws -> DashboardSamples {
    let settings = ReportSettings(teams: [.init(name: "web", patterns: [NamePattern("acme/*"), NamePattern("SITE")])])
    return try DashboardSamples(reports: .init(facts: SampleFacts(), settings: settings))
  }

  private static func integer(_ text: some StringProtocol) -> Int? { Int(String(text).replacing(",", with: "")) }

  private static func firstInteger(in text: String) -> Int? {
    text.firstMatch(of: #/[0-9][0-9,]*/#).flatMap { integer($0.output) }
  }

  /// How many rows a page of evidence says that it has.
  private static func rowCount(_ address: String, _ samples: DashboardSamples) throws -> Int {
    let response = samples.get(address)
    try #require(response.status == 200, "\(address)")
    let page = try PageTree.of(String(decoding: response.body, as: UTF8.self))
    let heading = try #require(page.all { $0.hasClass("remark") }.first { $0.text.contains(#/^[0-9,]+ rows?/#) }, "\(address)")
    return try #require(firstInteger(in: heading.text))
  }

  @Test("the figure of each tile, and what it leaves out, has as many rows behind it", arguments: pages)
  func tiles(page address: String) throws {
    let samples = try Self.samples()
    let tiles = try PageTree.of(samples.text(address)).all { $0.hasClass("tile") }
    for tile in tiles {
      let title = try #require(tile.first("h2")?.text)
      let figure = try #require(tile.first("p", class: "figure")?.text)
      guard figure != "not known" else { continue }
      let basis = try #require(tile.first("p", class: "basis"))
      guard let door = tile.first("h2")?.links.first else {
        #expect(Self.withoutRows.contains(title), "\(title) of \(address) leads nowhere")
        continue
      }
      let counted = try #require(basis.first("a")?.text)
      let rows = try Self.rowCount(door, samples)
      if let count = Self.integer(figure) {
        #expect(rows == count, "\(title) of \(address)")
      } else if let parts = counted.firstMatch(of: #/^([0-9,]+) (?:[a-z]+ )?of ([0-9,]+)/#) {
        // The rows of a share are those of its parts or those of its whole.
        #expect(
          [Self.integer(parts.output.1), Self.integer(parts.output.2)].contains(rows), "\(title) of \(address): \(counted)")
      } else {
        #expect(rows == Self.firstInteger(in: counted), "\(title) of \(address): \(counted)")
      }
      for link in basis.all("a") where link.text.hasSuffix(" left out") {
        let leftOut = try #require(link.attributes["href"])
        #expect(try Self.rowCount(leftOut, samples) == Self.firstInteger(in: link.text), "\(title) of \(address)")
      }
    }
    let hasTiles = !["/ageing", "/forecast", "/pipelines/"].contains { address.hasPrefix($0) }
    #expect(tiles.isEmpty != hasTiles, "\(address)")
  }

  @Test(
    "each number of a table leads to its rows, from its cell, its row or the heading, and counts are those of the rows",
    arguments: pages)
  func tables(page address: String) throws {
    let samples = try Self.samples()
    let page = try PageTree.of(samples.text(address))
    var checked = 0
    for section in page.all({ $0.tag == "section" || $0.hasClass("rail") }) {
      let hasHeadingLink = section.first("div", class: "heading")?.links.isEmpty == false
      for table in section.all("table") {
        let caption = table.first("caption")?.text ?? ""
        if caption == Self.tableWithoutRows { continue }
        let columns = (table.first("thead")?.all { $0.tag == "th" || $0.tag == "td" } ?? []).map(\.text)
        for row in table.first("tbody")?.all("tr") ?? [] {
          let cells = row.children
          let numbers = cells.filter { $0.hasClass("number") && $0.text.contains(#/[0-9]/#) }
          #expect(
            numbers.isEmpty || hasHeadingLink || !row.links.isEmpty, "\(caption) of \(address): \(row.text) leads nowhere")
          let heading = cells.count == columns.count ? row.first("th")?.links.first : nil
          for (index, cell) in cells.enumerated() where cell.hasClass("number") {
            let isCounted = heading != nil && Self.counts.contains(columns[index])
            // A number with a link of its own counts the rows behind that, others those behind the link of their row.
            guard let count = Self.integer(cell.text), let door = cell.links.first ?? (isCounted ? heading : nil),
              door.hasPrefix("/reports/")
            else { continue }
            #expect(try Self.rowCount(door, samples) == count, "\(row.text), \(caption) of \(address)")
            checked += 1
          }
        }
      }
    }
    let counting = ["/lead-time", "/flow", "/reviews", "/reports/"]
    #expect(checked > 0 || !counting.contains { address.hasPrefix($0) }, "\(address)")
  }

  @Test("each figure of the six questions has as many rows behind it as the cell says", arguments: ["/", "/?team=web"])
  func questions(address: String) throws {
    let samples = try Self.samples()
    let table = try #require(try PageTree.of(samples.text(address)).first("table", class: "questions"))
    var checked = 0
    for cell in table.all("td") where cell.hasClass("number") {
      guard let door = cell.links.first, door.hasPrefix("/reports/"), let count = cell.first("small")?.text else { continue }
      #expect(try Self.rowCount(door, samples) == Self.firstInteger(in: count), "\(count) at \(door)")
      checked += 1
    }
    #expect(checked >= 3)
  }
}
