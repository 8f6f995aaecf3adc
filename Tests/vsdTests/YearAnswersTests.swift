import Foundation
import Simulator
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Compares the delivery metrics that vsd reports on a generated year with the true ones, which the generator counts from its plan.
///
/// One test after the other, so that no thread waits for the shared year that another one fills.
@Suite("The delivery metrics of a generated year", .serialized)
struct YearAnswersTests {
  private static let numbers: [(metric: String, members: [String])] = [
    ("lead_time", ["n", "median_seconds", "p75_seconds", "p85_seconds", "p95_seconds"]),
    ("deployment_frequency", ["deploys"]), ("change_fail_rate", ["failed", "total", "pending"]),
    ("failed_deployment_recovery_time", ["n", "median_seconds", "open"]), ("rework_rate", ["rework", "total"]),
  ]

  private static let isLong = ProcessInfo.processInfo.environment["VALUESTREAM_LONG_TESTS"] != nil
  private static let seeds: ClosedRange<UInt64> = isLong ? 1...4 : 1...1

  @Test("are those of its plan, in JSON and in the rows that vsperf prints", arguments: seeds)
  func answers(seed: UInt64) throws {
    let year = Self.isLong ? try SharedYear(days: 200, scale: 0.4, seed: seed) : try SharedYear.whole.get()
    let url = year.url
    let history = YearHistory(year.configuration)
    let truth = try JSON(parsing: String(decoding: history.answers.json, as: UTF8.self))
    for window in truth["windows"]?.list ?? [] {
      let (from, to) = (window["window"]?["from"]?.text ?? "", window["window"]?["to"]?.text ?? "")
      let arguments = ["dora", "--server", url, "--from", from, "--to", to]
      let whole = try JSON(parsing: try Self.output(arguments + ["--format", "json"]))["groups"]?.list.first
      let rows = try Self.output(arguments + ["--group-by", "service", "--format", "ndjson"]).split(separator: "\n")
      let services = try rows.map { try JSON(parsing: String($0)) }
      for group in window["groups"]?.list ?? [] {
        let service = group["service"]?.text
        let row = services.first { $0["service"]?.text == service }
        for (metric, members) in Self.numbers {
          for member in members {
            let expected = group["metrics"]?[metric]?[member]
            let actual = service == nil ? whole?["metrics"]?[metric]?[member] : row?["\(metric)_\(member)"]
            #expect(actual == expected, "\(service ?? "all") from \(from): \(metric).\(member)")
          }
        }
      }
    }
  }

  private static func output(_ arguments: [String]) throws -> String {
    let result = try VSPerf.run(arguments)
    try #require(result.exit == .code(0), "\(result.errors)")
    return result.output
  }
}
