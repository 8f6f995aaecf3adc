import APIClient
import ReportClient
import ValueStreamCore

/// Imports history: reads a vendor's API page by page, and passes the deliveries on. After each page, saves where to go on.
struct Import {
  private let words: [String]
  private let fingerprint: [String]
  /// Nil with `--dry-run`, which needs neither.
  private let server: String?
  private let out: String?
  private let statePath: String
  private let earlier: FetchState?
  private let isDryRun: Bool
  private let progress = FetchProgress(isAlone: true, unit: .deliveries)
  private let transport: any HTTPTransport
  private let spacing: Duration

  /// When the import began. A resumed import keeps the time of its first run.
  let began: Timestamp

  /// Prepares an import. With `--resume`, reads the state of the earlier run.
  ///
  /// - Parameters:
  ///   - words: The words of the command.
  ///   - content: The settings that decide on what is read.
  init(_ settings: Settings, words: [String], content: [SettingDeclaration]) throws {
    self.words = words
    isDryRun = try settings.value(of: ImportSettings.dryRun)
    server = try settings.value(of: ImportSettings.server)
    out = try settings.value(of: ImportSettings.out)
    if !isDryRun, server == nil, out == nil {
      throw UsageError("where to? --server URL of a vsd, or --out FILE", seeing: words)
    }
    if settings.isGiven(ImportSettings.server), out != nil {
      throw UsageError("--server and --out do not go together", seeing: words)
    }
    statePath =
      try settings.value(of: ImportSettings.state) ?? FetchState.path(for: out ?? "vsperf-\(words.joined(separator: "-"))")
    fingerprint =
      words
      + content.flatMap { declaration in settings.texts(of: declaration).map { "--\(declaration.name)=\($0)" } }
    transport = try FetchSettings.transport(settings)
    spacing = try settings.value(of: FetchSettings.spacing)
    guard try settings.value(of: ImportSettings.resume) else {
      (earlier, began) = (nil, SystemClock().now())
      return
    }
    earlier = try FetchState.read(at: statePath)
    began = earlier.flatMap { Timestamp(rfc3339: $0.began) } ?? SystemClock().now()
    try earlier?.check(settings: fingerprint, at: statePath)
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
  /// - Throws: ``CommandError`` if the API, a container or the receiver fails. What was imported stays, and `--resume` goes on.
  func run(_ importer: any Importer, containerLimit: Setting<Int>? = nil, _ settings: Settings) async throws {
    let concurrency = try settings.value(of: FetchSettings.concurrency)
    do {
      if isDryRun {
        let names = try await containers(of: importer, containerLimit)
        return try await ImportPlan(importer, names, concurrency: concurrency, progress).show()
      }
      var state: FetchState
      if var earlier {
        earlier.retryFailed()
        state = earlier
      } else {
        state = FetchState(settings: fingerprint, began: began, containers: try await containers(of: importer, containerLimit))
      }
      var sink = try sink(settings, keeping: state.bytes)
      progress.begin(containers: state.total, done: state.total - state.containers.count, rows: state.rows)
      let horizons = try horizons(settings)
      var noted: [String: Int] = [:]
      for round in min(state.round ?? 0, horizons.count - 1)..<horizons.count {
        state.round = round
        let run = ContainerRun<ImportedDelivery>(
          importer, limit: nil, concurrency: concurrency, pagesAhead: 1, horizon: horizons[round])
        try await run.run(state.containers) { step in
          do {
            state.bytes += try await sink.take(step.rows)
          } catch let error as CommandError {
            throw CommandError("\(error); \(hint)", error.exitCode)
          }
          state.advance(by: step)
          try state.write(at: statePath)
          show(step, &noted)
        }
      }
      try finish(state, sink.name)
    } catch let error as APIError {
      throw CommandError("\(error); \(hint)", ExitCode.unavailable)
    }
  }

  /// Returns how far back each round reads. The last weeks of all containers come first, so that reports have them soon.
  private func horizons(_ settings: Settings) throws -> [Timestamp?] {
    let since = try settings.value(of: ImportSettings.since)
    let times = Self.roundDays.map { began.advanced(bySeconds: -$0 * 86_400) }
    return times.filter { time in since.map { $0 < time } ?? true } + [nil]
  }

  private static let roundDays = [30.0, 120.0]

  /// Shows a page.
  ///
  /// - Parameter noted: the number of notes of each container. A list that lacks something for every record would bury all else.
  private func show(_ step: ContainerRun<ImportedDelivery>.Step, _ noted: inout [String: Int]) {
    progress.show(step)
    let name = step.container.name
    for note in step.notes.prefix(max(0, Self.shownNotes - (noted[name] ?? 0))) { progress.note("\(name): \(note)") }
    noted[name, default: 0] += step.notes.count
    if step.isLast, let count = noted.removeValue(forKey: name), count > Self.shownNotes {
      progress.note("\(name): \(count - Self.shownNotes) more lines like these")
    }
    if let error = step.failure { progress.note("\(name) is left out: \(error)") }
  }

  private static let shownNotes = 10

  private var hint: String { "what was imported stays, and --resume goes on from here" }

  private func sink(_ settings: Settings, keeping bytes: Int64) throws -> ImportSink {
    if let out { return try ImportSink(file: out, keeping: bytes) }
    let server = server ?? ""
    return ImportSink(
      server: server, sender: try ImportSettings.sender(to: server, settings),
      connections: try settings.value(of: ImportSettings.connections))
  }

  private func containers(of importer: any Importer, _ limit: Setting<Int>?) async throws -> [String] {
    let containers = try await importer.containers()
    if containers.names.isEmpty { progress.note("there is nothing to read") }
    if let cut = containers.cut { progress.note("\(cut)\(limit.map { "; --\($0.declaration.name) sets how many" } ?? "")") }
    return containers.names
  }

  private func finish(_ state: FetchState, _ name: String) throws {
    progress.finish(rows: state.rows, to: name)
    guard state.failed.isEmpty else {
      let names = state.failed.map(\.name).joined(separator: ", ")
      throw CommandError(
        "\(state.failed.count) of \(state.total) could not be read: \(names); all others are imported, and --resume asks for these again",
        ExitCode.unavailable)
    }
    FetchState.remove(at: statePath)
    if let missing = state.missing, missing > 0 {
      throw CommandError(
        "\(missing == 1 ? "1 record" : "\(missing) records") could not be read by the server; all others are imported",
        ExitCode.incomplete)
    }
  }
}
