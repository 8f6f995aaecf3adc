import CSV
import ValueStreamCore
import VendorAPI

/// Reads records from an API into a file, page by page: what is there is whole rows at any time.
struct Fetch {
  private let words: [String]
  private let fingerprint: [String]
  /// Nil for standard output.
  private let file: String?
  private let earlier: FetchState?
  private let progress: FetchProgress
  let transport: any HTTPTransport
  private let spacing: Duration

  /// When the run began; also the one that this goes on with.
  let began: Timestamp

  /// - Parameters:
  ///   - words: the command.
  ///   - content: settings that decide on what is read.
  init(_ settings: Settings, words: [String], content: [SettingDeclaration]) throws {
    self.words = words
    let out = try settings.value(of: FetchSettings.out)
    file = out == "STDOUT" || out == "-" ? nil : out
    progress = FetchProgress(isAlone: file != nil || !StandardStream.output.isTerminal)
    fingerprint = words + content.flatMap { declaration in settings.texts(of: declaration).map { "--\(declaration.name)=\($0)" } }
    transport = try FetchSettings.transport(settings)
    spacing = try settings.value(of: FetchSettings.spacing)
    guard try settings.value(of: FetchSettings.resume) else {
      (earlier, began) = (nil, SystemClock().now())
      return
    }
    guard let file else { throw UsageError("--resume needs --out FILE", seeing: words) }
    earlier = try FetchState.read(for: file)
    began = earlier.flatMap { Timestamp(rfc3339: $0.began) } ?? SystemClock().now()
    if let earlier, earlier.settings != fingerprint {
      throw CommandError(
        "\(FetchState.path(for: file)) is of a run with other settings (\(earlier.settings.joined(separator: " "))); "
          + "begin anew without --resume", ExitCode.usage)
    }
  }

  /// What asks the API, and tells of long waits.
  var client: APIClient {
    var options = APIClient.Options()
    options.spacing = spacing
    return APIClient(transport: transport, options: options, report: { [progress] in progress.note($0) })
  }

  /// - Parameter limit: rows of one container.
  func run(_ source: any RecordSource, limit: Setting<Int>, _ settings: Settings) async throws {
    let rows = try FetchSettings.rows(limit, in: settings)
    let concurrency = try settings.value(of: FetchSettings.concurrency)
    var state: FetchState
    do {
      state = try await begin(source)
    } catch let error as APIError {
      throw CommandError(error.description, ExitCode.unavailable)
    }
    var output = try Output(path: file, keeping: state.bytes)
    var csv = CSVWriter()
    if state.bytes == 0 {
      csv.row(source.columns)
      try put(csv.take(), to: &output, &state)
    }
    progress.begin(containers: state.containers.count, done: state.done, rows: state.allRows)
    do {
      try await RecordRun(source, limit: rows, concurrency: concurrency).run(state.containers, from: state.place) { step in
        for row in step.rows { csv.row(row) }
        state.allRows += step.rows.count
        state.place = step.place
        if step.failure != nil { state.failed.append(step.container) }
        try put(csv.take(), to: &output, &state)
        progress.show(step)
        for note in step.notes { progress.note("\(step.container): \(note)") }
        if step.isCut, let rows {
          progress.note("\(step.container): there are more than \(rows); --\(limit.declaration.name) sets how many are read")
        }
        if let error = step.failure { progress.note("\(step.container) is left out: \(error)") }
      }
    } catch let error as APIError {
      let hint = file == nil ? "" : "; --resume goes on from here"
      throw CommandError("\(error)\(hint)", ExitCode.unavailable)
    }
    if let file { FetchState.remove(for: file) }
    progress.finish(rows: state.allRows, to: file ?? "standard output")
    guard state.failed.isEmpty else {
      let count = "\(state.failed.count) of \(state.containers.count)"
      throw CommandError("\(count) could not be read: \(state.failed.joined(separator: ", "))", ExitCode.unavailable)
    }
  }

  private func begin(_ source: any RecordSource) async throws -> FetchState {
    if let earlier { return earlier }
    let state = FetchState(settings: fingerprint, began: began, containers: try await source.containers())
    if state.containers.isEmpty { progress.note("there is nothing to read") }
    return state
  }

  /// The file is never behind what its state says.
  private func put(_ bytes: [UInt8], to output: inout Output, _ state: inout FetchState) throws {
    try output.write(bytes)
    try output.flush()
    state.bytes += Int64(bytes.count)
    if let file { try state.write(for: file) }
  }
}
