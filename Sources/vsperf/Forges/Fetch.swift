import APIClient
import CSV
import CurlTransport
import ForgeFetch
import ProgramOutput
import ValueStreamCore

/// Downloads records as the settings of a command say.
struct Fetch {
  private let download: RecordDownload
  private let progress: FetchProgress
  private let transport: CurlTransport
  private let spacing: Duration

  /// When the download began. A resumed download keeps the time of its first run.
  var began: Timestamp { download.began }

  /// Prepares a download. With `--resume`, reads the state of the earlier run.
  ///
  /// - Parameters:
  ///   - words: The words of the command.
  ///   - content: The settings that decide on what is read.
  ///   - pageSize: The setting of the page size, which is part of the state because some lists are resumed by page
  ///     number.
  /// - Throws: `FetchError` if the state to resume has other settings.
  init(_ settings: Settings, words: [String], content: [SettingDeclaration], pageSize: Setting<Int>) throws {
    let out = try settings.value(of: FetchSettings.out)
    let path = out == "STDOUT" || out == "-" ? nil : out
    progress = FetchProgress(isAlone: path != nil || !StandardStream.output.isTerminal)
    transport = try FetchSettings.transport(settings)
    spacing = try settings.value(of: FetchSettings.spacing)
    let isResumed = try settings.value(of: FetchSettings.resume)
    if isResumed, !RecordDownload.canResume(to: path) { throw UsageError("--resume needs --out FILE", seeing: words) }
    download = try RecordDownload(
      to: path, fingerprint: FetchSettings.fingerprint(of: words, content + [pageSize.declaration], settings),
      isResumed: isResumed, progress: progress)
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
  func run(_ source: any RecordSource, limit: Setting<Int>, containerLimit: Setting<Int>? = nil, _ settings: Settings)
    async throws
  {
    let options = RecordDownload.Options(
      rowLimit: try FetchSettings.rows(limit, in: settings), concurrency: try settings.value(of: FetchSettings.concurrency),
      rowLimitFlag: limit.declaration.name, containerLimitFlag: containerLimit?.declaration.name)
    let places = try settings.value(of: FetchSettings.columns).places(among: source.columns)
    let keepsFormulas = try settings.value(of: Setting.keepFormulas)
    func encode(_ rows: [[String]]) -> [UInt8] {
      var csv = CSVWriter(keepsFormulas: keepsFormulas)
      for row in rows { csv.row(places.map { places in places.map { row[$0] } } ?? row) }
      return csv.take()
    }
    try await download.run(source, options, head: encode([source.columns]), encode: encode)
  }
}
