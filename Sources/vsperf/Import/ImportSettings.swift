import APIClient
import Intake
import IntakeClient
import ValueStreamCore

/// The settings that all imports share.
enum ImportSettings {
  static let server = Setting<String?>.address(
    "server", environment: "VS_SERVER_URL", help: "Address of the vsd to import into.")

  static let out = Setting<String?>.optionalText(
    "out", environment: "", placeholder: "FILE",
    help: "Write the deliveries to this file instead, one per line, for vsperf import send.")

  static let state = Setting<String?>.optionalText(
    "state", environment: "", placeholder: "FILE",
    help: "File that holds the position of an unfinished import. Default: FILE.resume beside --out, else a file in this folder.")

  static let resume = Setting<Bool>.toggle(
    "resume", environment: "", help: "Continue an interrupted import with the same settings, or start a new one.")

  static let since = Setting<Timestamp?>.time(
    "since", help: "Import what changed since this time. Without it, everything that the vendor has.")

  static let until = Setting<Timestamp?>.time("until", help: "Import what began before this time.")

  static let dryRun = Setting<Bool>.toggle(
    "dry-run", environment: "", help: "Import nothing. Print how many requests the import takes, and how long.")

  static let connections = Setting<Int>.count(
    "connections", default: 8, in: 1...64, help: "Deliveries to send to vsd at the same time.")

  /// What to import, as words separated by commas.
  static func kinds<Kind>(_ type: Kind.Type) -> Setting<[Kind]>
  where Kind: RawRepresentable & CaseIterable & Sendable, Kind.RawValue == String {
    let words = Kind.allCases.map(\.rawValue).joined(separator: ", ")
    return Setting<[Kind]>(
      "kinds", environment: "", placeholder: "KINDS", default: Array(Kind.allCases), defaultText: "all",
      help: "What to import, separated by commas: \(words)."
    ) { text throws(SettingError) in
      try text.split(separator: ",").map { name throws(SettingError) in
        guard let kind = Kind(rawValue: name.trimmed) else { throw SettingError(expected: words) }
        return kind
      }
    }
  }

  /// - Parameter noun: what has branches, in the words of the vendor.
  static func branch(ofEach noun: String) -> Setting<String?> {
    .optionalText(
      "branch", environment: "", placeholder: "NAME",
      help: "Branch that is deployed, to import its pushes. Repeat for more. Default: the default branch of each \(noun).")
  }

  /// The settings that do not affect what is imported.
  static let access =
    [state.declaration, resume.declaration, dryRun.declaration, connections.declaration]
    + IntakeSettings.importSecret.declarations
    + [
      FetchSettings.concurrency.declaration, FetchSettings.spacing.declaration, FetchSettings.authority.declaration,
      FetchSettings.proxy.declaration,
    ]
  /// The settings that decide on what is imported, and where to.
  static let content = [server.declaration, out.declaration, since.declaration, until.declaration]

  static func period(_ settings: Settings) throws(SettingsError) -> RecordPeriod {
    RecordPeriod(since: try settings.value(of: since), until: try settings.value(of: until))
  }

  /// Returns a sender that signs imported deliveries.
  static func sender(to server: String, _ settings: Settings) throws -> DeliverySender {
    let secrets = try IntakeSettings.importSecret.secrets(in: settings, readFile: Environment.readFile)
    // vsd accepts a list of secrets; a sender signs with the first one.
    guard let secret = secrets.first else {
      throw SettingsError("an import needs VS_IMPORT_SECRET or --import-secret-file, as vsd has it")
    }
    return DeliverySender(
      receiver: server, secrets: [:], importSecret: secret, transport: try FetchSettings.transport(settings),
      authenticator: try SystemMessageAuthenticator())
  }
}
