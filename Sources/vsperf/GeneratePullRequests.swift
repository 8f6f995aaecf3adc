import SampleReports
import ValueStreamCore

extension Command {
  static let generatePullRequests = Command(
    words: ["generate", "pull-requests"], summary: "generate a file of pull requests of any size",
    description: """
      Writes the columns of vsperf github pull-requests, to try and measure reports. A row takes about 225
      bytes. The same seed and number of rows give the same file. Memory does not grow with the file.
      """,
    declarations: GeneratePullRequests.declarations,
    examples: [
      (
        "A million of them, and a report",
        "vsperf generate pull-requests --rows 1000000 --out prs.csv && vsperf agg pull-request prs.csv"
      )
    ],
    run: { try GeneratePullRequests($0).run() })
}

/// Implements `vsperf generate pull-requests`.
struct GeneratePullRequests: Sendable {
  private let rows: Int
  private let seed: UInt64
  private let output: String?

  private static let rowCount = Setting<Int>.count(
    "rows", of: "rows", default: 1000, in: 0...1_000_000_000, help: "Number of rows.")

  static let declarations = [rowCount.declaration, GenerateHistory.seed.declaration, Setting.out.declaration]

  init(_ settings: Settings) throws {
    do throws(SettingsError) {
      rows = try settings.value(of: Self.rowCount)
      seed = try settings.value(of: GenerateHistory.seed)
      output = try settings.value(of: Setting.out)
    } catch {
      throw UsageError("\(error)", seeing: ["generate", "pull-requests"])
    }
  }

  func run() throws {
    var output = try OutputFile(path: output)
    try SamplePullRequests(rows: rows, seed: seed).write { bytes throws(OutputError) in try output.write(bytes) }
    try output.flush()
  }
}
