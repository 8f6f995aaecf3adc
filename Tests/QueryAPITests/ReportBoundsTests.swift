import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import QueryAPI

@Suite("Reports of facts at the bounds")
struct ReportBoundsTests {
  /// Questions that fit a report, about the present, about all of time, and about its ends.
  private static func questions(_ kind: ReportKind) -> [[(name: String, value: String)]] {
    let windows: [[(name: String, value: String)]] = [
      [], [("since", "3650d")], [("from", "1970-01-01T00:00:00Z"), ("to", "1970-01-02T00:00:00Z")],
      [("from", "2199-01-01T00:00:00Z"), ("to", "2200-01-01T00:00:00Z")],
      [("from", "1970-01-01T00:00:00Z"), ("to", "2200-01-01T00:00:00Z")],
    ]
    let names = Set(kind.parameters.map(\.name))
    let groups = kind == .flow || kind == .reviews ? ["repository"] : ["service", "repository", "environment"]
    var questions = windows
    if names.contains("group-by") { for group in groups { questions += windows.map { $0 + [("group-by", group)] } } }
    if names.contains("bucket") { questions += [windows[0] + [("bucket", "day")], windows[4] + [("bucket", "month")]] }
    if kind == .forecast { questions = questions.map { $0 + [("items", "12"), ("by", "2200-01-01")] } }
    return questions + questions.map { $0 + [("format", "csv")] }
  }

  @Test(
    "Each report answers, as JSON and CSV, and so does the evidence of each metric", arguments: ReportKind.allCases, Seeds.upTo(3)
  )
  func answers(kind: ReportKind, seed: UInt64) throws {
    let facts = FactSamples.storeAtBounds(around: StoreSamples.morning, seed: seed)
    let defaults = try ReportDefaults(Settings(declared: ReportDefaults.declarations, arguments: [], environment: [:]))
    let handler = ReportHandler(
      ReportQueries(
        facts: facts, store: facts, clock: FakeClock(StoreSamples.morning), logger: Logger { _ in }, defaults: defaults,
        waitForFacts: {}))
    for question in Self.questions(kind) {
      let response = handler.respond(
        to: HTTPRequest(method: "GET", path: ReportHandler.prefix + kind.rawValue, query: question))
      let text = String(decoding: response.body, as: UTF8.self)
      #expect(response.status == 200 || text.contains("more than"), "\(question): \(text.prefix(300))")
    }
    for metric in kind.metrics {
      for window in [[], [("from", "1970-01-01T00:00:00Z"), ("to", "2200-01-01T00:00:00Z")]] as [[(name: String, value: String)]]
      {
        let path = "\(ReportHandler.prefix)\(kind.rawValue)/\(metric)/evidence"
        let response = handler.respond(to: HTTPRequest(method: "GET", path: path, query: window))
        #expect(response.status == 200, "\(path) \(window): \(String(decoding: response.body.prefix(300), as: UTF8.self))")
      }
    }
  }
}
