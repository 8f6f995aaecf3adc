// swift-tools-version: 6.2
import PackageDescription

/// The compiler settings of every Swift target in the package.
let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .treatAllWarnings(as: .error),
]

/// The compiler settings of every Swift target in Tests.
///
/// `make test` builds the sources optimized, as users get them. Its tests stay as they are: optimizing them takes longer than it
/// saves.
let testSettings: [SwiftSetting] =
  Context.environment["VALUESTREAM_OPTIMIZED_TESTS"] == nil ? settings : settings + [.unsafeFlags(["-Onone"])]

/// Returns a library target in the folder `Sources/<folder>/<name>`, which may depend on the core.
func module(_ name: String, in folder: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: ["ValueStreamCore"] + dependencies, path: "Sources/\(folder)/\(name)", swiftSettings: settings)
}

/// Returns the library that reads a vendor's webhooks.
func webhooks(of vendor: String) -> Target {
  .target(
    name: "\(vendor)Webhooks", dependencies: ["ValueStreamCore", "PayloadReading"],
    path: "Sources/EventSources/\(vendor)/Webhooks",
    swiftSettings: settings)
}

/// Returns the library that calls a vendor's API.
func api(of vendor: String) -> Target {
  .target(
    name: "\(vendor)API", dependencies: ["ValueStreamCore", "APIClient", "PayloadReading"],
    path: "Sources/EventSources/\(vendor)/API", swiftSettings: settings)
}

/// Returns the library that makes deliveries of what a vendor's API tells about the past.
func history(of vendor: String) -> Target {
  .target(
    name: "\(vendor)Import", dependencies: ["ValueStreamCore", "APIClient", "PayloadReading", .byName(name: "\(vendor)API")],
    path: "Sources/EventSources/\(vendor)/Import", swiftSettings: settings)
}

/// Returns a system library. Its module map says how to link it.
func systemLibrary(_ name: String, _ pkgConfig: String, apt: String) -> Target {
  .systemLibrary(name: name, path: "Sources/SystemLibraries/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// Returns the library that sets up and checks a vendor's webhooks.
func hooks(of vendor: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: "\(vendor)Hooks", dependencies: ["ValueStreamCore", "APIClient", "Hooks", "PayloadReading"] + dependencies,
    path: "Sources/EventSources/\(vendor)/Hooks", swiftSettings: settings)
}

/// Returns the test target of a target.
///
/// - Parameter fixtures: Excluded folders and files. Tests read them from the checkout.
func tests(of name: String, _ dependencies: [Target.Dependency] = [], fixtures: [String] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name), "ValueStreamTesting"] + dependencies, exclude: fixtures,
    swiftSettings: testSettings)
}

/// The vendors whose webhooks vsd reads. Each has a folder `Sources/EventSources/X/Webhooks` and tests in `Tests/XWebhooksTests`.
let vendors = ["GitHub", "GitLab", "Jenkins", "Jira", "Trello"]

/// The libraries that read deliveries.
let sources: [Target.Dependency] = vendors.map { .byName(name: "\($0)Webhooks") } + ["CustomHTTP", "CDEvents"]

/// The libraries that set up webhooks, and those that know which events they need.
let webhookSetup: [Target.Dependency] = [
  "GitLabWebhooks", "JiraWebhooks", "Hooks", "GitHubHooks", "GitLabHooks", "JiraHooks", "TrelloHooks",
]

let core: [Target] = [
  .target(name: "ValueStreamCore", swiftSettings: settings)
]

let systemLibraries: [Target] = [
  systemLibrary("CMicrohttpd", "libmicrohttpd", apt: "libmicrohttpd-dev"),
  systemLibrary("CCrypto", "libcrypto", apt: "libssl-dev"),
  systemLibrary("CSQLite", "sqlite3", apt: "libsqlite3-dev"),
  systemLibrary("CCurl", "libcurl", apt: "libcurl4-openssl-dev"),
  systemLibrary("CZlib", "zlib", apt: "zlib1g-dev"),
  systemLibrary("CZstd", "libzstd", apt: "libzstd-dev"),
  systemLibrary("CPostgreSQL", "libpq", apt: "libpq-dev"),
]

let webhookSources: [Target] = vendors.map { webhooks(of: $0) }

let eventSources: [Target] = [
  .target(name: "CEventLoop", path: "Sources/EventSources/CEventLoop"),
  module("Intake", in: "EventSources", ["PayloadReading", "CMicrohttpd", "CCrypto", "CZlib", "CEventLoop"]),
  .target(name: "CSimdjson", path: "Sources/EventSources/CSimdjson", linkerSettings: [.linkedLibrary("simdjson")]),
  module("PayloadReading", in: "EventSources", ["CSimdjson"]),
  module("APIClient", in: "EventSources", ["PayloadReading"]),
  api(of: "GitHub"), history(of: "GitHub"),
  api(of: "GitLab"), history(of: "GitLab"),
  api(of: "Jenkins"), history(of: "Jenkins"),
  api(of: "Jira"), history(of: "Jira"),
  .target(
    name: "TrelloImport", dependencies: ["ValueStreamCore", "APIClient", "PayloadReading"],
    path: "Sources/EventSources/Trello/Import",
    swiftSettings: settings),
  module("Hooks", in: "EventSources", ["APIClient"]),
  hooks(of: "GitHub", ["GitHubAPI", "GitHubWebhooks", "CCrypto"]), hooks(of: "GitLab", ["GitLabWebhooks"]),
  hooks(of: "Jira", ["JiraWebhooks"]), hooks(of: "Trello"),
  module("CustomHTTP", in: "EventSources", ["PayloadReading"]),
  module("CDEvents", in: "EventSources", ["PayloadReading"]),
  module("Catalog", in: "EventSources", sources),
  module("IntakeClient", in: "EventSources", ["Catalog", "CustomHTTP"]),
  module("ForgeFetch", in: "EventSources", ["APIClient", "IntakeClient"]),
  module("PayloadExplanation", in: "EventSources", ["Catalog", "PayloadReading"]),
  module("Simulator", in: "EventSources"),
]

let tracing: [Target] = [
  .target(name: "CCrashMark", path: "Sources/Tracing/CCrashMark"),
  module("PoisonGuard", in: "Tracing", ["CCrashMark"]),
  module("DeliveryCounters", in: "Tracing"),
  module("DeliveryFacts", in: "Tracing"),
  module("Projection", in: "Tracing", ["DeliveryCounters", "DeliveryFacts", "PoisonGuard"]),
  module("Replay", in: "Tracing", ["DeliveryCounters", "DeliveryFacts", "Projection"]),
  module("SQLiteStore", in: "Tracing", ["CSQLite", "CZstd"]),
  module("Leadership", in: "Tracing"),
  module("PostgresStore", in: "Tracing", ["CPostgreSQL", "SQLiteStore", "Leadership"]),
  module("Export", in: "Tracing", ["PoisonGuard"]),
  module("CurlTransport", in: "Tracing", ["CCurl"]),
  module("OTLP", in: "Tracing", ["Export", "CZlib"]),
  module("Jaeger", in: "Tracing", ["Export", "OTLP"]),
  module("Lightstep", in: "Tracing", ["Export", "OTLP"]),
  module("Datadog", in: "Tracing", ["Export"]),
  module("Zipkin", in: "Tracing", ["Export"]),
  module("Logging", in: "Tracing", ["Export"]),
  module("Mock", in: "Tracing", ["DeliveryCounters"]),
  module("Prometheus", in: "Tracing"),
]

let reports: [Target] = [
  module("QueryAPI", in: "Reports", ["CSV", "DeliveryMetrics"]),
  .target(name: "CByteScan", path: "Sources/Reports/CByteScan"),
  module("CSV", in: "Reports", ["CByteScan", "CZlib", "CZstd"]),
  module("Aggregates", in: "Reports", ["CSV", "Charts"]),
  module("Charts", in: "Reports"),
  .target(
    name: "Dashboard", dependencies: ["ValueStreamCore", "Charts", "QueryAPI", "DeliveryMetrics"],
    path: "Sources/Reports/Dashboard",
    resources: [
      .embedInCode("Assets/dashboard.css"), .embedInCode("Assets/dashboard.js"), .embedInCode("Assets/icon.svg"),
    ], swiftSettings: settings),
  module("SampleReports", in: "Reports", ["CSV"]),
  module("DeliveryMetrics", in: "Reports"),
  module("DeliveryGauges", in: "Reports", ["DeliveryMetrics"]),
  module("ReportClient", in: "Reports", ["CSV", "Aggregates", "Charts"]),
  module("ProgramOutput", in: "Reports"),
]

let executables: [Target] = [
  // The version, which `make dist` writes into a finished program.
  .target(name: "CReleaseStamp", path: "Sources/SystemLibraries/CReleaseStamp"),
  .executableTarget(
    name: "vsd",
    dependencies: [
      "ValueStreamCore", "Intake", "Catalog", "PayloadReading", "Projection", "DeliveryCounters", "PoisonGuard", "Replay",
      "Export", "SQLiteStore", "PostgresStore", "Leadership", "Logging", "Mock", "OTLP", "Jaeger", "Lightstep", "Datadog",
      "Zipkin", "CurlTransport", "Prometheus", "QueryAPI", "DeliveryMetrics", "Dashboard", "DeliveryGauges", "APIClient",
      "Hooks", "GitHubHooks", "GitLabHooks", "ProgramOutput", "CReleaseStamp",
    ],
    swiftSettings: settings),
  .executableTarget(
    name: "vsperf",
    dependencies: webhookSetup + [
      "ValueStreamCore", "Intake", "IntakeClient", "Catalog", "CustomHTTP", "GitHubWebhooks", "PayloadExplanation", "ForgeFetch",
      "Simulator", "CurlTransport", "CSV", "Aggregates", "SampleReports", "ReportClient", "APIClient", "GitHubAPI",
      "GitHubImport", "GitLabAPI", "GitLabImport", "JiraAPI", "JiraImport", "JenkinsAPI", "JenkinsImport", "TrelloImport",
      "ProgramOutput", "CReleaseStamp",
    ],
    swiftSettings: settings),
]

/// Helpers and programs for tests, and the benchmarks.
let testing: [Target] = [
  .target(
    name: "ValueStreamTesting", dependencies: ["ValueStreamCore", "DeliveryCounters", "Projection", "Export"],
    path: "Tests/ValueStreamTesting", swiftSettings: testSettings),
  .target(
    name: "GitHubServer", dependencies: ["ValueStreamCore", "ValueStreamTesting"], path: "Tests/GitHubServer",
    swiftSettings: testSettings),
  .target(
    name: "GitLabServer", dependencies: ["ValueStreamCore", "ValueStreamTesting"], path: "Tests/GitLabServer",
    swiftSettings: testSettings),
  .executableTarget(
    name: "play-vendors", dependencies: ["ValueStreamTesting", "GitHubServer", "GitLabServer"], path: "Tests/VendorPlayer",
    swiftSettings: testSettings),
  .target(name: "PostgresServer", path: "Tests/PostgresServer", swiftSettings: testSettings),
  .target(
    name: "SourceFixtures", dependencies: ["ValueStreamCore"], path: "Tests/SourceFixtures", swiftSettings: testSettings),
  .target(
    name: "SourceFuzzing", dependencies: ["ValueStreamCore", "Catalog", "SourceFixtures"], path: "Tests/SourceFuzzing",
    swiftSettings: testSettings),
  .target(name: "CSyncRecorder", path: "Tests/CSyncRecorder", linkerSettings: [.linkedLibrary("sqlite3")]),
  // Outside code embeds the core without package access, so the example has none either.
  .target(
    name: "EmbeddingExample", dependencies: ["ValueStreamCore"], path: "Tests/EmbeddingExample", packageAccess: false,
    swiftSettings: testSettings),
  .executableTarget(
    name: "CrashingProjector",
    dependencies: ["ValueStreamCore", "Projection", "PoisonGuard", "DeliveryCounters", "Export", "SQLiteStore"],
    path: "Tests/CrashingProjector", swiftSettings: testSettings),
  .executableTarget(
    name: "fuzz-sources", dependencies: ["SourceFuzzing"], path: "Tests/FuzzSources", swiftSettings: testSettings),
  .executableTarget(
    name: "bench-deliveries",
    dependencies: [
      "ValueStreamCore", "GitHubWebhooks", "Simulator", "Intake", "DeliveryCounters", "DeliveryFacts", "Projection",
      "SQLiteStore",
    ],
    path: "Tests/DeliveryBenchmark", swiftSettings: testSettings),
  .executableTarget(
    name: "bench-export",
    dependencies: [
      "ValueStreamCore", "GitHubWebhooks", "Simulator", "Export", "SQLiteStore", "OTLP", "Datadog", "Zipkin",
    ],
    path: "Tests/ExportBenchmark", swiftSettings: testSettings),
  .executableTarget(
    name: "bench-traces", dependencies: ["ValueStreamCore", "SQLiteStore", "QueryAPI"], path: "Tests/TraceBenchmark",
    swiftSettings: testSettings),
  .executableTarget(
    name: "bench-reports", dependencies: ["ValueStreamCore", "SQLiteStore"], path: "Tests/ReportBenchmark",
    swiftSettings: testSettings),
]

let testsOfSources: [Target] = vendors.map {
  tests(of: "\($0)Webhooks", ["ValueStreamCore"], fixtures: ["Fixtures"])
}

let testsOfTargets: [Target] = [
  tests(of: "ValueStreamCore"),
  tests(of: "EmbeddingExample", ["ValueStreamCore"]),
  // EventSources
  tests(of: "Intake", ["ValueStreamCore", "CZlib"]),
  tests(of: "PayloadReading", ["ValueStreamCore"]),
  tests(of: "APIClient", ["ValueStreamCore", "PayloadReading"]),
  tests(of: "GitHubAPI", ["ValueStreamCore", "APIClient"]),
  tests(
    of: "GitHubImport",
    [
      "ValueStreamCore", "APIClient", "GitHubAPI", "GitHubServer", "GitHubWebhooks", "IntakeClient", "PayloadReading",
      "Simulator",
    ]),
  tests(of: "GitLabAPI", ["ValueStreamCore", "APIClient"]),
  tests(of: "GitLabImport", ["ValueStreamCore", "APIClient", "GitLabAPI", "GitLabServer", "GitLabWebhooks", "Simulator"]),
  tests(of: "JenkinsAPI", ["ValueStreamCore", "APIClient"]),
  tests(
    of: "JenkinsImport",
    ["ValueStreamCore", "APIClient", "JenkinsAPI", "JenkinsWebhooks", "GitHubWebhooks", "GitLabWebhooks", "Simulator"]),
  tests(of: "JiraAPI", ["ValueStreamCore", "APIClient"]),
  tests(
    of: "JiraImport",
    ["ValueStreamCore", "APIClient", "JiraAPI", "JiraWebhooks", "GitHubWebhooks", "GitLabWebhooks", "Simulator"]),
  tests(of: "TrelloImport", ["ValueStreamCore", "APIClient", "TrelloWebhooks"]),
  tests(of: "CustomHTTP", ["ValueStreamCore"], fixtures: ["Fixtures"]),
  tests(of: "CDEvents", ["ValueStreamCore"], fixtures: ["Fixtures"]),
  tests(
    of: "Hooks",
    [
      "ValueStreamCore", "APIClient", "GitHubAPI", "GitHubHooks", "GitHubWebhooks", "GitLabHooks", "GitLabWebhooks", "JiraHooks",
      "JiraWebhooks", "TrelloHooks",
    ]),
  tests(of: "Catalog", ["ValueStreamCore"]),
  tests(of: "IntakeClient", ["ValueStreamCore", "Catalog", "CustomHTTP", "Intake"]),
  tests(of: "ForgeFetch", ["ValueStreamCore", "APIClient", "IntakeClient"]),
  tests(of: "PayloadExplanation", ["ValueStreamCore", "Catalog"]),
  tests(of: "Simulator", ["ValueStreamCore", "GitHubWebhooks", "IntakeClient"]),
  tests(of: "SourceFuzzing"),
  .testTarget(
    name: "MixedSourcesTests",
    dependencies: ["ValueStreamCore", "ValueStreamTesting", "Simulator", "Catalog", "SourceFixtures"],
    swiftSettings: testSettings),
  // Tracing
  tests(of: "DeliveryCounters", ["ValueStreamCore"]),
  tests(of: "DeliveryFacts", ["ValueStreamCore", "GitHubWebhooks", "Simulator"]),
  tests(of: "Projection", ["ValueStreamCore", "DeliveryCounters", "DeliveryFacts", "PoisonGuard", "Export"]),
  tests(of: "Replay", ["ValueStreamCore", "DeliveryCounters", "DeliveryFacts", "Projection", "SQLiteStore"]),
  tests(of: "SQLiteStore", ["ValueStreamCore", "CSyncRecorder"]),
  tests(of: "Leadership", ["ValueStreamCore"]),
  tests(of: "PostgresStore", ["ValueStreamCore", "DeliveryCounters", "Projection", "PostgresServer", "Leadership"]),
  tests(of: "Export", ["ValueStreamCore"]),
  tests(of: "CurlTransport", ["ValueStreamCore"]),
  tests(of: "OTLP", ["ValueStreamCore", "Export", "CZlib", "CurlTransport"], fixtures: ["Golden", "read-otlp.py"]),
  tests(of: "Jaeger", ["ValueStreamCore", "Export", "OTLP"]),
  tests(of: "Lightstep", ["ValueStreamCore", "Export", "OTLP"]),
  tests(of: "Datadog", ["ValueStreamCore", "Export", "CurlTransport"], fixtures: ["Golden"]),
  tests(of: "Zipkin", ["ValueStreamCore", "Export", "CurlTransport"], fixtures: ["Golden", "zipkin-v2.schema.json"]),
  tests(of: "Mock", ["ValueStreamCore", "DeliveryCounters"]),
  tests(of: "Logging", ["ValueStreamCore"]),
  tests(of: "Prometheus", ["ValueStreamCore"], fixtures: ["Golden"]),
  // Reports
  tests(of: "QueryAPI", ["ValueStreamCore", "DeliveryMetrics"], fixtures: ["Golden"]),
  tests(of: "CSV", ["ValueStreamCore", "CZlib", "CZstd"]),
  tests(of: "Aggregates", ["CSV", "ValueStreamCore"], fixtures: ["Golden"]),
  tests(of: "Charts", ["ValueStreamCore"], fixtures: ["Golden"]),
  tests(of: "Dashboard", ["ValueStreamCore", "Catalog", "Charts", "QueryAPI", "DeliveryMetrics"], fixtures: ["Golden"]),
  tests(of: "SampleReports", ["Aggregates", "CSV", "APIClient"]),
  tests(of: "DeliveryMetrics", ["ValueStreamCore"]),
  tests(of: "DeliveryGauges", ["ValueStreamCore", "DeliveryMetrics", "DeliveryCounters", "Prometheus", "Intake"]),
  tests(of: "ReportClient", ["ValueStreamCore", "Aggregates", "CSV", "Charts"], fixtures: ["Golden"]),
  // Whole system
  .testTarget(
    name: "ScenarioTests", dependencies: ["ValueStreamCore", "ValueStreamTesting", "Catalog", "SQLiteStore"],
    exclude: ["Scenarios"], swiftSettings: testSettings),
  tests(
    of: "vsd",
    [
      "ValueStreamCore", "Catalog", "OTLP", "Datadog", "Export", "CurlTransport", "vsperf", "IntakeClient", "Simulator",
      "CrashingProjector", "GitHubServer", "GitLabServer", "DeliveryFacts", "SQLiteStore", "PostgresServer",
    ],
    fixtures: ["Golden", "Producer"]),
  .testTarget(
    name: "DocumentationTests",
    dependencies: [
      "vsd", "vsperf", "ValueStreamCore", "ValueStreamTesting", "Intake", "CustomHTTP", "DeliveryCounters", "SQLiteStore",
      "DeliveryGauges", "Projection",
    ],
    swiftSettings: testSettings),
]

let package = Package(
  name: "ValueStream",
  products: [
    .library(name: "ValueStreamCore", targets: ["ValueStreamCore"]),
    .executable(name: "vsd", targets: ["vsd"]),
    .executable(name: "vsperf", targets: ["vsperf"]),
  ],
  targets: core + systemLibraries + webhookSources + eventSources + tracing + reports + executables + testing + testsOfSources
    + testsOfTargets,
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
