import Catalog
import Export
import QueryAPI
import ValueStreamCore

/// The text of `vsd --help` and `vsd --help all`.
enum HelpPage {
  /// The first page, which fits on a screen.
  static var text: String {
    """
    vsd \(summary).

    Usage: vsd [--flag=value ...]
           vsd check [repair]    Find damage in the store. Repair it while vsd is stopped.
           vsd replay [apply]    Project stored deliveries again and compare. Apply it while vsd is stopped.
           vsd backup TARGET     Copy the store into a new directory. vsd can run meanwhile.
           vsd migrate-store FROM TO    Copy a store from a directory to a database or back.

    Flags you are likely to need:
    \(HelpText.summarize(firstFlags))
    Secrets come from variables or files: VS_GITHUB_SECRET or --github-secret-file, and likewise for
    \(SourceCatalog.all.dropFirst().map(\.name).listed("and")). A source without a secret accepts unsigned
    deliveries.

    \(precedence)

      --help all    All flags, with their variables and defaults.
      --version     The version.

    \(exitCodes)

    """
  }

  /// The complete help, with all flags.
  static var all: String {
    """
    vsd \(summary).

    Usage: vsd [--flag=value ...]
           vsd check [repair] [--flag=value ...]
           vsd replay [apply] [--flag=value ...]
           vsd backup TARGET [--flag=value ...]
           vsd migrate-store FROM TO [--flag=value ...]

    \(description)

    \(precedence)

    \(sections.map { "\($0.title):\n\(HelpText.describe($0.declarations))" }.joined(separator: "\n"))
      --version
          Print the version.

      --help
          Print the first page of help; --help all prints this one.

    \(exitCodes)

    """
  }

  /// What vsd does, in the words that follow its name.
  static let summary = "receives webhooks from your forge, tracker and CI, and turns them into traces and metrics"

  /// What vsd and its commands do, in paragraphs.
  static let description = """
    vsd takes deliveries at \(SourceCatalog.all.map(\.route).listed("and")), and
    answers each after it is safe on disk. It serves metrics at /metrics, the API below /api/v1, and
    Jaeger's query API.

    vsd check reads everything that is stored and lists what is damaged. vsd can run meanwhile.
    vsd check repair repairs what it can while vsd is stopped. Give it the settings that vsd runs with.

    vsd replay projects the stored deliveries again with the current program and settings, and prints
    what differs from the spans in use. vsd can run meanwhile. vsd replay apply does the same while vsd
    is stopped, and puts the result in place.

    vsd backup copies the store of a directory into a new one, which can be used as a store. vsd can run
    meanwhile.

    vsd migrate-store copies deliveries, spans and facts of a store into an empty one: from a directory to
    a database (postgres://...) or back. Stop every vsd on both with SIGTERM before, and give it the
    settings that vsd runs with. If it is interrupted, run it again.
    """

  static let precedence = """
    A flag wins over its environment variable, the variable over the configuration file, and the file
    over the default. Flags take one dash or two, and = or a space before the value.
    """

  static let exitCodes = """
    Exit codes: 0 stopped by SIGINT or SIGTERM, with everything in flight answered and kept; 64 mistake
    in a flag, variable or the configuration file; 65 vsd check found damage; 69 cannot listen on the
    address; 70 internal error; 71 too few open files allowed; 74 cannot open the store.
    """

  /// The flags on the first page, in this order.
  private static let firstFlags = [
    "addr", "admin-addr", "read-token", "store", "log-retention", "tracer", "otlp-endpoint", "trace-strategy", "config",
    "log-level",
  ].compactMap { name in DaemonSettings.declarations.first { $0.name == name } }

  // MARK: Sections

  /// All settings, grouped under the headings of the help and the documentation.
  static let sections: [(title: String, declarations: [SettingDeclaration])] = titles.compactMap { title in
    let declarations = DaemonSettings.declarations.filter { Self.title(of: $0.name) == title }
    return declarations.isEmpty ? nil : (title, declarations)
  }

  private static let titles =
    ["General", "Network and access", "Storage", "Export"] + TracerCatalog.exporting.map(\.title)
    + ["Metrics", "Reports", "Classification", "Secrets", "Healing", "Other"]

  private static func title(of name: String) -> String {
    switch name {
    case "config", "listening-file", "log-level": "General"
    case "addr", "admin-addr", "read-token", "operator-token", "operator-token-file", "public-url", "max-body", "trusted-proxy":
      "Network and access"
    case "store", "log-retention", "log-max-size", "span-retention", "fact-retention": "Storage"
    case "tracer", "settle", "export-backlog", "export-imported", "trace-strategy", "attributes", "phases", "service-names":
      "Export"
    case _ where HealSettings.declarations.contains { $0.name == name }: "Healing"
    case _ where ReportDefaults.declarations.contains { $0.name == name }: "Reports"
    case _ where name.hasSuffix("-secret") || name.hasSuffix("-secret-file"): "Secrets"
    case _ where SourceCatalog.secrets.contains { $0.name == name }: "Secrets"
    case _ where SourceCatalog.classification.contains { $0.name == name }: "Classification"
    case _ where name.hasPrefix("metric-"): "Metrics"
    default: TracerCatalog.exporting.first { $0.declarations.contains { $0.name == name } }?.title ?? "Other"
    }
  }
}
