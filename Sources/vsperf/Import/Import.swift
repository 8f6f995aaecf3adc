import APIClient
import CurlTransport
import ForgeFetch
import ValueStreamCore

/// Imports history as the settings of a command say.
struct Import {
  private let history: HistoryImport
  /// Nil with `--dry-run`, which needs neither.
  private let server: String?
  private let out: String?
  private let isDryRun: Bool
  private let progress = FetchProgress(isAlone: true, unit: .deliveries)
  private let transport: CurlTransport
  private let spacing: Duration

  /// When the import began. A resumed import keeps the time of its first run.
  var began: Timestamp { history.began }

  /// Prepares an import. With `--resume`, reads the state of the earlier run.
  ///
  /// - Parameters:
  ///   - words: The words of the command.
  ///   - content: The settings that decide on what is read.
  init(_ settings: Settings, words: [String], content: [SettingDeclaration]) throws {
    isDryRun = try settings.value(of: ImportSettings.dryRun)
    server = try settings.value(of: ImportSettings.server)
    out = try settings.value(of: ImportSettings.out)
    if !isDryRun, server == nil, out == nil { throw UsageError("where to? --server URL of a vsd, or --out FILE", seeing: words) }
    if settings.isGiven(ImportSettings.server), out != nil {
      throw UsageError("--server and --out do not go together", seeing: words)
    }
    let state =
      try settings.value(of: ImportSettings.state)
      ?? HistoryImport.statePath(for: out ?? "vsperf-\(words.joined(separator: "-"))")
    transport = try FetchSettings.transport(settings)
    spacing = try settings.value(of: FetchSettings.spacing)
    history = try HistoryImport(
      stateAt: state, fingerprint: FetchSettings.fingerprint(of: words, content, settings),
      isResumed: try settings.value(of: ImportSettings.resume), progress: progress)
  }

  /// The client for the API, which reports long waits.
  var client: APIClient {
    var options = APIClient.Options()
    options.spacing = spacing
    return APIClient(
      transport: transport, options: options, report: { [progress] in progress.note($0) },
      reportClock: { [progress] seconds in
        let difference = FetchProgress.text(seconds: abs(seconds))
        progress.note(
          "the clock of this machine is \(difference) \(seconds > 0 ? "behind" : "ahead of") the server's, which counts; set it")
      })
  }

  /// Imports everything, or prints what that takes.
  ///
  /// - Parameter containerLimit: The setting that limits the number of containers, to name it in the message if some are left out.
  func run(_ importer: any Importer, containerLimit: Setting<Int>? = nil, _ settings: Settings) async throws {
    let options = HistoryImport.Options(
      since: try settings.value(of: ImportSettings.since), concurrency: try settings.value(of: FetchSettings.concurrency),
      containerLimitFlag: containerLimit?.declaration.name)
    if isDryRun {
      let plan = try await history.plan(importer, options)
      var output = try OutputFile(path: nil)
      try output.write(Array(plan.utf8))
      return try output.flush()
    }
    try await history.run(importer, options) { bytes in try sink(settings, keeping: bytes) }
  }

  private func sink(_ settings: Settings, keeping bytes: Int64) throws -> ImportSink {
    if let out { return try ImportSink(file: out, keeping: bytes) }
    let server = server ?? ""
    return ImportSink(
      server: server, sender: try ImportSettings.sender(to: server, settings),
      connections: try settings.value(of: ImportSettings.connections))
  }
}
