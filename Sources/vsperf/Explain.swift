import SourceCatalog
import ValueStreamCore

extension Command {
  static let explain = Command(
    words: ["explain"], summary: "say what a payload becomes, or where it cannot be read",
    description: """
      Reads payloads as vsd would, without one: the events that follow, the names they publish and follow,
      attributes and phases; or the path at which a payload cannot be read. Of a folder one line a file and
      a table. Which source a payload is of, its folder tells, or its content; the type of a GitHub event
      its file's name or its folder (github/issues.opened.json, github/issues/opened.json), or its content,
      where no other type looks like it. A file of deliveries that vsperf generate history wrote is read
      line by line (*.ndjson). Settings of sources count as they do for vsd.
      """,
    declarations: Explain.declarations, operands: "FILE...",
    examples: [
      ("What becomes of a webhook saved from GitHub", "vsperf explain --event pull_request payload.json"),
      ("The same from standard input, as JSON", "vsperf explain --source gitlab --format json - < payload.json"),
      ("A folder of payloads, in short", "vsperf explain --dir payloads/jenkins"),
    ],
    run: { try await Explain($0).run() })
}

/// `vsperf explain`.
struct Explain: Sendable {
  enum Format: String, CaseIterable, Sendable {
    case text, json
  }

  private let files: [String]
  private let isFolder: Bool
  private let format: Format
  private let reader: PayloadFiles

  private static let source = Setting<String?>.optionalText(
    "source", environment: "", placeholder: "NAME", help: "The source that the payloads were sent to: github, gitlab, ...")

  private static let event = Setting<String?>.optionalText(
    "event", environment: "", placeholder: "TYPE",
    help: "The type of GitHub's event, where neither the file's name nor the payload tells it: issues, push.")

  private static let directory = Setting<String?>.optionalText(
    "dir", environment: "", placeholder: "DIR", help: "Read every .json and .ndjson file in this folder and those in it.")

  private static let formatSetting = Setting<Format>.choice(
    "format", environment: "", default: .text, help: "For people, or one JSON object a payload and line.")

  static let declarations =
    [source.declaration, event.declaration, directory.declaration, formatSetting.declaration] + SourceCatalog.classification

  init(_ settings: Settings) throws {
    let operands = settings.operands.dropFirst()
    let directory: String?
    do throws(SettingsError) {
      directory = try settings.value(of: Self.directory)
      format = try settings.value(of: Self.formatSetting)
      let sources = try SourceCatalog.readers(settings)
      let name = try settings.value(of: Self.source)
      if let name, !sources.contains(where: { $0.name == name }) {
        throw SettingsError("--source: \"\(name)\" is no source; known are \(sources.map(\.name).joined(separator: ", "))")
      }
      reader = PayloadFiles(
        sources: sources, origin: PayloadOrigin(among: sources, source: name, type: try settings.value(of: Self.event)),
        received: SystemClock().now())
    } catch {
      throw UsageError("\(error)", seeing: ["explain"])
    }
    isFolder = directory != nil
    if let directory {
      guard operands.isEmpty else { throw UsageError("--dir and files do not go together", seeing: ["explain"]) }
      files = try PayloadFiles.list(directory)
    } else {
      guard !operands.isEmpty else { throw UsageError("which files? or --dir DIR", seeing: ["explain"]) }
      files = Array(operands)
    }
  }

  func run() async throws {
    var output = try Output(path: nil)
    var table = ExplanationTable()
    for file in files {
      for payload in try reader.payloads(in: file) {
        table.count(payload)
        switch format {
        case .json: try output.writeLine(payload.json)
        case .text: try output.writeLine(Array((isFolder ? payload.line : payload.text).utf8))
        }
      }
    }
    if isFolder, format == .text { try output.writeLine(Array(table.text.utf8)) }
    try output.flush()
    if table.refused > 0 {
      throw CommandError("\(table.refused) of \(table.total) payloads cannot be read", ExitCode.dataError)
    }
  }
}
