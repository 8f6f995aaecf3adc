import Foundation
import SQLiteStore
import ValueStreamCore

/// Fills a new store with the facts and roll-ups of a large organization: `bench-reports DIRECTORY [DAYS] [PERCENT] [SEED]`.
///
/// `Tests/Benchmarks/run-reports` starts vsd on the store and measures its reports. 100 percent are 1,000 repositories and
/// 15,000 jobs, and in 90 days 200,000 changes, 90,000 deploys, 1.8 million runs and 9 million jobs. The history ends now, and
/// is 180 days long by default, so that the last 90 days are compared with as much.
@main
struct ReportBenchmark {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let directory = arguments.first else {
      print("bench-reports DIRECTORY [DAYS] [PERCENT] [SEED]")
      exit(64)
    }
    let numbers = arguments.dropFirst().compactMap { Int($0) }
    let store = try SQLiteSpanStore(directory: directory)
    defer { store.close() }
    var organization = try Organization(
      store: store, days: numbers.first ?? 180, percent: numbers.dropFirst().first ?? 100,
      seed: UInt64(clamping: numbers.dropFirst(2).first ?? 1), now: SystemClock().now())
    let filling = try ContinuousClock().measure { try organization.fill() }
    print("Filled in \(Int(filling.inSeconds)) s, \(try store.size() >> 20) MB: \(organization.summary).")
  }
}
