import Catalog
import Intake
import ValueStreamCore

/// The secrets of vsd, each with what it belongs to. SIGHUP reads them again.
struct DaemonSecrets {
  /// The sources, which hold the secrets of their webhooks.
  let sources: [any EventSource]
  /// The secrets of importers. Without one, nothing can be imported.
  let importing: [Secret]
  let readToken: Secret?
  let operatorToken: Secret?
  /// The webhooks to ask again for lost deliveries, with their token; nil for none.
  let healing: HealSettings?

  /// - Throws: a one-line message for the user.
  init(_ settings: Settings, environment: [String: String], readFile: (String) -> [UInt8]?) throws(SettingsError) {
    sources = try SourceCatalog.sources(settings, readFile: readFile)
    importing = try IntakeSettings.importSecret.secrets(in: settings, readFile: readFile)
    readToken = try DaemonSettings.readToken(settings, environment)
    operatorToken = try DaemonSettings.operatorToken(settings, environment, readFile)
    let publicURL = try settings.value(of: IntakeSettings.publicURL)
    healing = try HealSettings.read(settings, publicURL: publicURL, readFile: readFile)
  }

  /// True if the same places have a secret.
  func protectsSame(as other: DaemonSecrets) -> Bool {
    sources.map(\.acceptsUnsigned) == other.sources.map(\.acceptsUnsigned)
      && importing.isEmpty == other.importing.isEmpty && (readToken == nil) == (other.readToken == nil)
      && (operatorToken == nil) == (other.operatorToken == nil) && (healing == nil) == (other.healing == nil)
  }
}

/// What uses the secrets of a running vsd.
struct CurrentSecrets: Sendable {
  let sources: [CurrentSource]
  /// The sources of imported deliveries; empty if there is no secret for them.
  let importing: [CurrentSource]
  let readToken: CurrentSecret?
  let operatorToken: CurrentSecret?
  let healing: CurrentHealing?

  init(_ secrets: DaemonSecrets) {
    sources = secrets.sources.map { CurrentSource($0) }
    importing = Self.importSources(secrets).map { CurrentSource($0) }
    readToken = secrets.readToken.map { CurrentSecret($0) }
    operatorToken = secrets.operatorToken.map { CurrentSecret($0) }
    healing = secrets.healing.map { CurrentHealing($0) }
  }

  /// Uses other secrets from now on. They must protect the same places.
  func replace(by secrets: DaemonSecrets) {
    for (current, source) in zip(sources, secrets.sources) { current.replace(by: source) }
    for (current, source) in zip(importing, Self.importSources(secrets)) { current.replace(by: source) }
    if let new = secrets.readToken { readToken?.replace(by: new) }
    if let new = secrets.operatorToken { operatorToken?.replace(by: new) }
    if let new = secrets.healing { healing?.replace(by: new) }
  }

  private static func importSources(_ secrets: DaemonSecrets) -> [any EventSource] {
    guard !secrets.importing.isEmpty else { return [] }
    return secrets.sources.map { source in
      ImportSource(
        source, typeHeader: SourceCatalog.factory(named: source.name)?.typeHeader, secrets: secrets.importing)
    }
  }
}
