import CurlTransport
import ReportClient
import ValueStreamCore

extension Command {
  static let reportPage = Command(
    words: ["report"], summary: "write all of this on one page of HTML, to print or to send",
    description: """
      Asks a vsd for the delivery metrics with their comparison and trend, lead time, flow, age of open work,
      reviews, pipelines and incidents, and writes one page of HTML. It needs no other file, runs no script,
      and prints on A4.
      """,
    declarations: ReportPageCommand.declarations,
    examples: [
      ("The last 90 days", "vsperf report --server http://127.0.0.1:5000 --out report.html"),
      ("A team's quarter", "vsperf report --team web --from 2026-07-01 --to 2026-10-01 --out web.html --server $VSD"),
    ],
    run: { try await ReportPageCommand($0).run() })
}

/// Implements `vsperf report`.
struct ReportPageCommand: Sendable {
  private let settings: DeliveryReportSettings
  private let client: ReportClient
  private let output: String?

  static let declarations =
    DeliveryReportSettings.connection
    + DeliveryReportSettings.question(of: .leadTime).filter { !["group-by", "bucket", "compare", "with"].contains($0.name) }
    + [Setting.out.declaration]

  init(
    _ settings: Settings, now: Timestamp = SystemClock().now(), transport: any HTTPTransport = CurlTransport()
  ) throws {
    let words = ["report"]
    do throws(SettingsError) {
      output = try settings.value(of: Setting.out)
    } catch {
      throw UsageError("\(error)", seeing: words)
    }
    self.settings = try DeliveryReportSettings(settings, report: .leadTime, now: now, of: words)
    client = ReportClient(server: self.settings.server, token: self.settings.token, transport: transport)
  }

  func run() async throws {
    let page = try await ReportPage(of: settings.query, window: settings.window ?? "", from: client)
    var output = try OutputFile(path: output)
    try output.write(Array(page.html.utf8))
    try output.flush()
  }
}
