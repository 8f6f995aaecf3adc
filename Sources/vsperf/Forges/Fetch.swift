import APIClient
import CSV
import ValueStreamCore

/// Downloads records from an API into a file, page by page. The file contains only whole rows at any time.
struct Fetch {
  private let fingerprint: [String]
  /// The path of the file; nil for standard output.
  private let path: String?
  /// The path of a regular file, which can have a state beside it; nil for a device or a pipe.
  private let file: String?
  private let earlier: FetchState?
  private let progress: FetchProgress
  let transport: any HTTPTransport
  private let spacing: Duration

  /// When the download began. A resumed download keeps the time of its first run.
  let began: Timestamp

  /// Prepares a download. With `--resume`, reads the state of the earlier run.
  ///
  /// - Parameters:
  ///   - words: The words of the command.
  ///   - content: The settings that decide on what is read.
  ///   - pageSize: The setting of the page size, which is part of the state because some lists are resumed by page
  ///     number.
  /// - Throws: ``CommandError`` if the state to resume has other settings.
  init(_ settings: Settings, words: [String], content: [SettingDeclaration], pageSize: Setting<Int>) throws {
    let out = try settings.value(of: FetchSettings.out)
    path = out == "STDOUT" || out == "-" ? nil : out
    file = path.flatMap { Output.isFile($0) ? $0 : nil }
    progress = FetchProgress(isAlone: path != nil || !StandardStream.output.isTerminal)
    fingerprint =
      words
      + (content + [pageSize.declaration]).flatMap { declaration in
        settings.texts(of: declaration).map { "--\(declaration.name)=\($0)" }
      }
    transport = try FetchSettings.transport(settings)
    spacing = try settings.value(of: FetchSettings.spacing)
    guard try settings.value(of: FetchSettings.resume) else {
      (earlier, began) = (nil, SystemClock().now())
      return
    }
    guard let file else { throw UsageError("--resume needs --out FILE", seeing: words) }
    earlier = try FetchState.read(at: FetchState.path(for: file))
    began = earlier.flatMap { Timestamp(rfc3339: $0.began) } ?? SystemClock().now()
    try earlier?.check(settings: fingerprint, at: FetchState.path(for: file))
  }

  /// The client for the API, which reports long waits.
  var client: APIClient {
    var options = APIClient.Options()
    options.spacing = spacing
    return APIClient(transport: transport, options: options, report: { [progress] in progress.note($0) })
  }

  /// Downloads everything and writes it to the file.
  ///
  /// - Parameters:
  ///   - limit: The setting of the maximum number of rows per container.
  ///   - containerLimit: The setting that limits the number of containers, to name it in the message if some are left
  ///     out.
  /// - Throws: ``CommandError`` if the API or a container cannot be read. If there is a state, `--resume` continues
  ///   from there.
  func run(
    _ source: any RecordSource, limit: Setting<Int>, containerLimit: Setting<Int>? = nil, _ settings: Settings
  ) async throws {
    let rows = try FetchSettings.rows(limit, in: settings)
    let concurrency = try settings.value(of: FetchSettings.concurrency)
    let places = try settings.value(of: FetchSettings.columns).places(among: source.columns)
    func chosen(_ row: [String]) -> [String] { places.map { places in places.map { row[$0] } } ?? row }
    var state: FetchState
    do {
      state = try await begin(source, containerLimit)
    } catch let error as APIError {
      throw CommandError(error.description, ExitCode.unavailable)
    }
    var output = try Output(path: path, keeping: state.bytes)
    var csv = CSVWriter(keepsFormulas: try settings.value(of: Setting.keepFormulas))
    if state.bytes == 0 {
      csv.row(chosen(source.columns))
      try put(csv.take(), to: &output, &state)
    }
    progress.begin(containers: state.total, done: state.total - state.containers.count, rows: state.rows)
    do {
      let run = RecordRun(source, limit: rows, concurrency: concurrency)
      try await run.run(state.containers) { step in
        for row in step.rows { csv.row(chosen(row)) }
        state.advance(by: step)
        try put(csv.take(), to: &output, &state)
        progress.show(step)
        let name = step.container.name
        for note in step.notes { progress.note("\(name): \(note)") }
        if step.isCut, let rows {
          progress.note("\(name): there are more than \(rows); --\(limit.declaration.name) sets how many are read")
        }
        if let error = step.failure { progress.note("\(name) is left out: \(error)") }
      }
    } catch let error as APIError {
      let hint = file == nil ? "" : "; --resume goes on from here"
      throw CommandError("\(error)\(hint)", ExitCode.unavailable)
    }
    progress.finish(rows: state.rows, to: path ?? "standard output")
    guard state.failed.isEmpty else {
      let names = state.failed.map(\.name).joined(separator: ", ")
      let hint = file == nil ? "" : "; --resume asks for them again"
      throw CommandError("\(state.failed.count) of \(state.total) could not be read: \(names)\(hint)", ExitCode.unavailable)
    }
    if let file { FetchState.remove(at: FetchState.path(for: file)) }
    if let missing = state.missing, missing > 0 {
      throw CommandError(
        "\(missing == 1 ? "1 record" : "\(missing) records") could not be read by the server; all others are written",
        ExitCode.incomplete)
    }
  }

  private func begin(_ source: any RecordSource, _ containerLimit: Setting<Int>?) async throws -> FetchState {
    if var earlier {
      earlier.retryFailed()
      return earlier
    }
    let containers = try await source.containers()
    if containers.names.isEmpty { progress.note("there is nothing to read") }
    if let cut = containers.cut {
      progress.note("\(cut)\(containerLimit.map { "; --\($0.declaration.name) sets how many" } ?? "")")
    }
    return FetchState(settings: fingerprint, began: began, containers: containers.names)
  }

  /// Writes rows, then the state, so that the file is never behind its state.
  private func put(_ bytes: [UInt8], to output: inout Output, _ state: inout FetchState) throws {
    try output.write(bytes)
    try output.flush()
    state.bytes += Int64(bytes.count)
    if let file { try state.write(at: FetchState.path(for: file)) }
  }
}
