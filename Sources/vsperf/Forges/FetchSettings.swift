import CurlTransport
import ValueStreamCore
import VendorAPI

/// What all commands take that read from an API into a file.
enum FetchSettings {
  static let out = Setting<String>.text(
    "out", environment: "", placeholder: "FILE", default: "STDOUT",
    help: "Write to this file; STDOUT and - stand for standard output.")

  static let resume = Setting<Bool>.toggle(
    "resume", environment: "",
    help:
      "Go on where a run with the same settings and --out was ended; begin where there is none. FILE.resume says where that is.")

  static let since = Setting<Timestamp?>.time("since", help: "Only what is not older; with it the limit of rows falls.")

  static let until = Setting<Timestamp?>.time("until", help: "Only what is older.")

  static let spacing = Setting<Duration>.duration(
    "wait-between-requests", environment: "", default: .zero, text: "0s",
    help: "A fixed pause, such as 5s or 500ms. Limits of the API are kept without it.")

  static let concurrency = Setting<Int>.count(
    "concurrency", default: 4, in: 1...32, help: "How many repositories are read at a time. The output is the same.")

  static let limit = Setting<Int>.count(
    "max-rows", default: 1000, in: 1...Int.max,
    help: "Rows of one repository, project or job; with --since there is no limit, unless it is given.")

  static let pageSize = Setting<Int>.count("per-page", default: 100, in: 1...100, help: "Rows in one answer.")

  static let columns = Setting<ColumnSelection>(
    "columns", environment: "", placeholder: "standard|all|NAMES", default: .standard, defaultText: "standard",
    help:
      "Which columns: names separated by commas, in their order. Of pull requests and merge requests, all adds to the standard ones the first commit, reviews, approval, size, branches, labels and the time as a draft; other files have all columns anyway.",
    parse: ColumnSelection.init(setting:))

  /// The address of a server of one's own.
  static func address(_ name: String, of vendor: String, default value: String?) -> Setting<String?> {
    Setting(
      "url", environment: "VS_\(name)_URL", placeholder: "URL", default: value, defaultText: value, help: "Address of \(vendor)."
    ) { text throws(SettingError) in
      // A user in it would be shown wherever the address is.
      let example = "https://\(name.lowercased()).example.org, without a user"
      guard WebAddress.withoutUser(text) == text else {
        throw SettingError(expected: "an address such as \(example)", isTextHidden: true)
      }
      return try WebAddress.server(text, example: example)
    }
  }

  static let authority = Setting<String?>.optionalText(
    "ca-file", environment: "VS_CA_FILE", otherVariables: ["CURL_CA_BUNDLE", "SSL_CERT_FILE"], placeholder: "FILE",
    help: "PEM file with the authorities that the API is checked against, instead of the system's.")

  static let proxy = Setting<String?>.optionalText(
    "proxy", environment: "", placeholder: "URL", help: "Proxy; else what https_proxy, http_proxy and no_proxy say.")

  /// What decides on the content of the file is not among these.
  static let declarations = [
    out.declaration, resume.declaration, spacing.declaration, authority.declaration, proxy.declaration,
  ]
  /// What decides on rows and columns.
  static let selection = [
    since.declaration, until.declaration, columns.declaration, Setting.keepFormulas.declaration,
  ]

  static func period(_ settings: Settings) throws(SettingsError) -> RecordPeriod {
    RecordPeriod(since: try settings.value(of: since), until: try settings.value(of: until))
  }

  /// What a limit is; nil where what is wanted begins somewhere, unless somebody gives one all the same.
  static func rows(_ limit: Setting<Int>, in settings: Settings) throws(SettingsError) -> Int? {
    try settings.value(of: since) == nil || settings.isGiven(limit) ? try settings.value(of: limit) : nil
  }

  /// How the API is reached.
  static func transport(_ settings: Settings) throws(SettingsError) -> CurlTransport {
    var options = CurlTransport.Options()
    options.caFile = try settings.value(of: authority)
    options.proxy = try settings.value(of: proxy)
    // A page of a hundred descriptions.
    options.responseLimit = 64 << 20
    return CurlTransport(options: options)
  }

  /// A token that someone gave; none where it is empty, as a CI leaves it for strangers.
  static func token(_ setting: Setting<String?>, in settings: Settings) throws(SettingsError) -> Secret? {
    try settings.value(of: setting).flatMap { Secret($0) }
  }
}
