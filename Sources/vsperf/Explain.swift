import Catalog
import PayloadExplanation
import ProgramOutput
import ValueStreamCore

extension Command {
  static let explain = Command(
    words: ["explain"], summary: "show what a payload becomes, or why it cannot be read",
    description: """
      Reads payloads as vsd does, but needs no vsd. Prints the events they become, the names those publish
      and follow, attributes and phases, or the path at which a payload cannot be read. For a folder it
      prints one line per file and a table. The source follows from the name of the folder or from the
      content; the type of a GitHub event from the name of the file or folder (github/issues.opened.json,
      github/issues/opened.json) or from the content. Files of deliveries (*.ndjson), as vsperf generate
      history writes them, are read line by line. The settings of sources apply as in vsd.
      """,
    declarations: Explain.declarations, operands: "FILE...",
    examples: [
      ("Explain a webhook saved from GitHub", "vsperf explain --event pull_request payload.json"),
      ("Read standard input, print JSON", "vsperf explain --source gitlab --format json - < payload.json"),
      ("Summarize a folder of payloads", "vsperf explain --dir payloads/jenkins"),
    ],
    run: { try await Explain($0).run() })
}

/// Implements `vsperf explain`.
struct Explain: Sendable {
  enum Format: String, CaseIterable, Sendable {
    case text, json
  }

  private let files: [String]
  private let isFolder: Bool
  private let format: Format
  private let explainer: PayloadExplainer

  private static let source = Setting<String?>.optionalText(
    "source", environment: "", placeholder: "NAME", help: "Source of the payloads: github, gitlab, ...")

  private static let event = Setting<String?>.optionalText(
    "event", environment: "", placeholder: "TYPE",
    help: "Type of a GitHub event, such as issues or push, if neither the file name nor the payload tells.")

  private static let directory = Setting<String?>.optionalText(
    "dir", environment: "", placeholder: "DIR", help: "Read every .json and .ndjson file in this folder and its subfolders.")

  private static let formatSetting = Setting<Format>.choice(
    "format", environment: "", default: .text, help: "Output for people, or one JSON object per payload and line.")

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
      explainer = PayloadExplainer(
        sources: sources, origin: PayloadOrigin(among: sources, source: name, type: try settings.value(of: Self.event)),
        received: SystemClock().now())
    } catch {
      throw UsageError("\(error)", seeing: ["explain"])
    }
    isFolder = directory != nil
    if let directory {
      guard operands.isEmpty else { throw UsageError("--dir and files do not go together", seeing: ["explain"]) }
      files = try Folder.files(in: directory, endingIn: [".json", ".ndjson"])
    } else {
      guard !operands.isEmpty else { throw UsageError("which files? or --dir DIR", seeing: ["explain"]) }
      files = Array(operands)
    }
  }

  func run() async throws {
    var output = try OutputFile(path: nil)
    var table = ExplanationTable()
    for file in files {
      guard let bytes = file == "-" ? StandardInput.read() : Environment.readFile(file) else {
        throw CommandError(UnreadableFile(file).description, ExitCode.noInput)
      }
      for payload in explainer.payloads(bytes, at: file) {
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
