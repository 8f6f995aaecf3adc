import Aggregates
import CurlTransport
import ProgramOutput
import ReportClient
import ValueStreamCore

extension Command {
  /// The commands that leave items out of all numbers of a vsd.
  static let exclusions: [Command] = [
    Command(
      words: ["exclude"], summary: "leave an item out of all numbers, with a reason",
      description: """
        Tells a vsd that an item does not count: a change, a deploy, an incident, an issue or a run. It is in no
        number from then on. Lists and evidence still show it, with the reason. Give its key, its classic id, or
        a name such as acme/site#36. A key need not be known yet. vsperf include takes it back.
        """,
      declarations: ExclusionSettings.deciding(action: "exclude"), operands: "ITEM",
      examples: [
        (
          "A deploy that was only a test of the pipeline",
          "vsperf exclude github:github.com:1:deployment:42 --reason \"fire drill\" --server http://127.0.0.1:5000"
        ),
        ("A change by its name", "vsperf exclude acme/site#36 --kind change --reason \"imported by mistake\" --server $VSD"),
      ],
      run: { try await DecideCommand("exclude", $0).run() }),
    Command(
      words: ["include"], summary: "take back an item that was left out",
      description: "Tells a vsd that an item counts again that vsperf exclude or a page left out.",
      declarations: ExclusionSettings.deciding(action: "include"), operands: "ITEM",
      examples: [("The change of before", "vsperf include acme/site#36 --server $VSD")],
      run: { try await DecideCommand("include", $0).run() }),
    Command(
      words: ["exclusions"], summary: "list what is left out of all numbers, and why",
      description: "Asks a vsd which items persons left out, with their reasons.",
      declarations: ExclusionSettings.connection + [
        Setting.reportFormat.declaration, Setting.out.declaration, Setting.keepFormulas.declaration,
      ],
      examples: [("As a table", "vsperf exclusions --server $VSD")],
      run: { try await ListExclusionsCommand($0).run() }),
  ]
}

/// The settings of the commands about exclusions.
enum ExclusionSettings {
  private static let server = Setting<String?>.address("server", environment: "VS_SERVER_URL", help: "Address of vsd.")

  private static let token = Setting<String?>.optionalText(
    "operator-token", placeholder: "TOKEN", isSecret: true, help: "Operator token of vsd, if it has one.")

  private static let tokenFile = Setting<String?>.optionalText(
    "operator-token-file", placeholder: "FILE", help: "File that holds the operator token of vsd.")

  private static let readToken = Setting<String?>.optionalText(
    "read-token", placeholder: "TOKEN", isSecret: true, help: "Read token of vsd, for a vsd without an operator token.")

  static let reason = Setting<String?>.optionalText(
    "reason", environment: "", placeholder: "TEXT", help: "Why, in words that others understand. vsperf exclude needs it.")

  static let actor = Setting<String?>.optionalText(
    "actor", environment: "", placeholder: "NAME", help: "Who decides. Without it, the name of the user who runs the command.")

  static let kind = Setting<String?>.optionalText(
    "kind", environment: "", placeholder: "KIND",
    help: "What the item must be: change, deploy, incident, issue or run. Guards against mistakes.")

  static let connection = [server.declaration, token.declaration, tokenFile.declaration, readToken.declaration]

  static func deciding(action: String) -> [SettingDeclaration] {
    connection + [reason.declaration, actor.declaration, kind.declaration]
  }

  /// Returns the client of the vsd that the user names.
  ///
  /// - Parameter words: the words of the command, for the hint at its help page.
  static func client(_ settings: Settings, _ transport: any HTTPTransport, of words: [String]) throws -> ReportClient {
    let address: String?
    let secret: Secret?
    do throws(SettingsError) {
      address = try settings.value(of: server)
      let reading = try settings.value(of: readToken).flatMap { Secret($0) }
      secret = try operatorToken(in: settings) ?? reading
    } catch {
      throw UsageError("\(error)", seeing: words)
    }
    guard let address else { throw UsageError("which vsd? --server URL or VS_SERVER_URL", seeing: words) }
    return ReportClient(server: address, token: secret, transport: transport)
  }

  private static func operatorToken(in settings: Settings) throws(SettingsError) -> Secret? {
    let given = try settings.value(of: token).flatMap { Secret($0) }
    guard let path = try settings.value(of: tokenFile) else { return given }
    if given != nil { throw SettingsError("VS_OPERATOR_TOKEN and --operator-token-file are both set") }
    guard let bytes = Environment.readFile(path) else {
      throw SettingsError("--operator-token-file: \(UnreadableFile(path))")
    }
    var text = Substring(String(decoding: bytes, as: UTF8.self))
    while text.last?.isNewline == true { text.removeLast() }
    guard let token = Secret(String(text)) else { throw SettingsError("--operator-token-file: the file \(path) is empty") }
    return token
  }
}

/// Implements `vsperf exclude` and `vsperf include`.
struct DecideCommand: Sendable {
  private let client: ReportClient
  private let decision: ReportClient.Decision

  init(_ action: String, _ settings: Settings, transport: any HTTPTransport = CurlTransport()) throws {
    let words = [action]
    let operands = Array(settings.operands.dropFirst())
    guard let item = operands.first, operands.count == 1 else {
      throw UsageError(operands.isEmpty ? "which item? Give its key or name" : "one item at a time", seeing: words)
    }
    do throws(SettingsError) {
      decision = ReportClient.Decision(
        action: action, item: item, kind: try settings.value(of: ExclusionSettings.kind),
        reason: try settings.value(of: ExclusionSettings.reason),
        actor: try settings.value(of: ExclusionSettings.actor) ?? Environment.variables["USER"])
    } catch {
      throw UsageError("\(error)", seeing: words)
    }
    if action == "exclude", decision.reason?.isEmpty ?? true { throw UsageError("why? --reason TEXT", seeing: words) }
    client = try ExclusionSettings.client(settings, transport, of: words)
  }

  func run() async throws {
    try await client.decide(decision)
    StandardStream.error.write(
      "\(Program.name): \(decision.item) \(decision.action == "exclude" ? "is left out of all numbers" : "counts again")\n")
  }
}

/// Implements `vsperf exclusions`.
struct ListExclusionsCommand: Sendable {
  private let client: ReportClient
  private let output: String?
  private let format: ReportTable.Format
  private let keepsFormulas: Bool

  init(_ settings: Settings, transport: any HTTPTransport = CurlTransport()) throws {
    let words = ["exclusions"]
    do throws(SettingsError) {
      (output, format) = try settings.reportOutput()
      keepsFormulas = try settings.value(of: Setting.keepFormulas)
    } catch {
      throw UsageError("\(error)", seeing: words)
    }
    client = try ExclusionSettings.client(settings, transport, of: words)
  }

  func run() async throws {
    let bytes = try await text()
    var output = try OutputFile(path: output)
    try output.write(bytes)
    try output.flush()
  }

  private func text() async throws(ReportError) -> [UInt8] {
    if format == .json { return try await client.exclusionsAsJSON() + [UInt8(ascii: "\n")] }
    let rows = try await client.exclusions()
    if rows.rows.isEmpty { StandardStream.error.write("\(Program.name): nothing is left out\n") }
    switch format {
    case .csv, .ndjson, .json: return rows.table.bytes(as: format, keepsFormulas: keepsFormulas)
    case .table, .markdown: return ReadableTable(rows, isWide: true).table.bytes(as: format)
    }
  }
}
