import APIClient
import CurlTransport
import ForgeFetch
import ValueStreamCore

/// The settings that all commands that download from an API share.
enum FetchSettings {
  static let out = Setting<String>.text(
    "out", environment: "", placeholder: "FILE", default: "STDOUT",
    help: "File to write. STDOUT or - means standard output.")

  static let resume = Setting<Bool>.toggle(
    "resume", environment: "",
    help:
      "Continue an interrupted run with the same settings and --out, or start a new one. FILE.resume holds the position.")

  static let since = Setting<Timestamp?>.time(
    "since", help: "Earliest time, inclusive. Without a limit of your own, all rows since then are read.")

  static let until = Setting<Timestamp?>.time("until", help: "Latest time, exclusive.")

  static let spacing = Setting<Duration>.duration(
    "wait-between-requests", environment: "", default: .zero, text: "0s",
    help: "Fixed pause between requests, such as 5s or 500ms. Not needed for rate limits, which are kept anyway.")

  static let concurrency = Setting<Int>.count(
    "concurrency", default: 4, in: 1...32,
    help: "How many repositories to read at the same time. The output does not depend on it.")

  static let limit = Setting<Int>.count(
    "max-rows", default: 1000, in: 1...Int.max,
    help: "Row limit per repository, project or job. With --since there is no limit unless you set one.")

  static let pageSize = Setting<Int>.count("per-page", default: 100, in: 1...100, help: "Rows per request.")

  static let columns = Setting<ColumnSelection>(
    "columns", environment: "", placeholder: "standard|all|NAMES", default: .standard, defaultText: "standard",
    help:
      "Columns to write: standard, all, or names separated by commas. For pull requests and merge requests, all adds the first commit, reviews, approval, size, branches, labels and time as a draft; other files always have all columns.",
    parse: ColumnSelection.init(setting:))

  /// Declares a setting for the address of a server.
  ///
  /// - Parameter flag: the name of the setting, where `--url` means something else.
  static func address(
    _ name: String, flag: String = "url", of vendor: String, default value: String?
  ) -> Setting<String?> {
    Setting(
      flag, environment: "VS_\(name)_URL", placeholder: "URL", default: value, defaultText: value, help: "Address of \(vendor)."
    ) { text throws(SettingError) in
      // Rejects a user in the address, because messages show the address.
      let example = "https://\(name.lowercased()).example.org, without a user"
      guard WebAddress.withoutUser(text) == text else {
        throw SettingError(expected: "an address such as \(example)", isTextHidden: true)
      }
      return try WebAddress.server(text, example: example)
    }
  }

  static let authority = Setting<String?>.optionalText(
    "ca-file", environment: "VS_CA_FILE", otherVariables: ["CURL_CA_BUNDLE", "SSL_CERT_FILE"], placeholder: "FILE",
    help: "PEM file with the certificate authorities to trust, in place of the system's.")

  static let proxy = Setting<String?>.optionalText(
    "proxy", environment: "", placeholder: "URL", help: "Proxy, in place of https_proxy, http_proxy and no_proxy.")

  /// The settings that do not affect the content of the file.
  static let declarations = [
    out.declaration, resume.declaration, spacing.declaration, authority.declaration, proxy.declaration,
  ]
  /// The settings that select rows and columns.
  static let selection = [
    since.declaration, until.declaration, columns.declaration, Setting.keepFormulas.declaration,
  ]

  /// Returns the command and the settings that decide on what is read, as the state of a run keeps them.
  static func fingerprint(of words: [String], _ content: [SettingDeclaration], _ settings: Settings) -> [String] {
    words + content.flatMap { declaration in settings.texts(of: declaration).map { "--\(declaration.name)=\($0)" } }
  }

  static func period(_ settings: Settings) throws(SettingsError) -> RecordPeriod {
    RecordPeriod(since: try settings.value(of: since), until: try settings.value(of: until))
  }

  /// Returns the row limit; nil when `--since` is given without an explicit limit.
  static func rows(_ limit: Setting<Int>, in settings: Settings) throws(SettingsError) -> Int? {
    try settings.value(of: since) == nil || settings.isGiven(limit) ? try settings.value(of: limit) : nil
  }

  /// Returns the transport for requests to the API.
  static func transport(_ settings: Settings) throws(SettingsError) -> CurlTransport {
    var options = CurlTransport.Options()
    options.caFile = try settings.value(of: authority)
    options.proxy = try settings.value(of: proxy)
    // Enough for a page of a hundred descriptions.
    options.responseLimit = 64 << 20
    return CurlTransport(options: options)
  }

  /// Returns the token; nil if it is not set or empty, as CI systems leave it for pull requests from forks.
  static func token(_ setting: Setting<String?>, in settings: Settings) throws(SettingsError) -> Secret? {
    try settings.value(of: setting).flatMap { Secret($0) }
  }
}
