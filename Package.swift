// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target of the package is compiled with.
let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .treatAllWarnings(as: .error),
]

func module(_ name: String, in folder: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: ["ValueStreamCore"] + dependencies, path: "Sources/\(folder)/\(name)", swiftSettings: settings)
}

/// - Parameter fixtures: folders with data that tests read from their place in the checkout.
func tests(of name: String, _ dependencies: [Target.Dependency] = [], fixtures: [String] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name), "ValueStreamTesting"] + dependencies, exclude: fixtures,
    swiftSettings: settings)
}

/// Everything that deliveries are read by.
let sources: [Target.Dependency] = ["GitHub", "GitLab", "Jenkins", "JiraCloud", "Trello", "CustomHTTP", "CDEvents"]

let package = Package(
  name: "ValueStream",
  products: [
    .library(name: "ValueStreamCore", targets: ["ValueStreamCore"]),
    .executable(name: "vsd", targets: ["vsd"]),
    .executable(name: "vsperf", targets: ["vsperf"]),
  ],
  targets: [
    .target(name: "ValueStreamCore", swiftSettings: settings),
    .target(
      name: "CSimdjson", path: "Sources/EventSources/CSimdjson",
      linkerSettings: [.linkedLibrary("simdjson")]),
    module("Payloads", in: "EventSources", ["CSimdjson"]),
    tests(of: "Payloads", ["ValueStreamCore"]),
    module("GitHub", in: "EventSources", ["Payloads"]),
    module("GitLab", in: "EventSources", ["Payloads"]),
    module("Jenkins", in: "EventSources", ["Payloads"]),
    module("JiraCloud", in: "EventSources", ["Payloads"]),
    module("Trello", in: "EventSources", ["Payloads"]),
    module("CustomHTTP", in: "EventSources", ["Payloads"]),
    module("CDEvents", in: "EventSources", ["Payloads"]),
    module("VendorAPI", in: "EventSources", ["Payloads"]),
    module("GitHubAPI", in: "EventSources", ["VendorAPI", "Payloads"]),
    module("GitLabAPI", in: "EventSources", ["VendorAPI", "Payloads"]),
    module("JiraAPI", in: "EventSources", ["VendorAPI", "Payloads"]),
    module("JenkinsAPI", in: "EventSources", ["VendorAPI", "Payloads"]),
    module("SourceCatalog", in: "EventSources", sources),
    module("HistoryGenerator", in: "EventSources"),
    .systemLibrary(
      name: "CMicrohttpd", path: "Sources/EventSources/CMicrohttpd", pkgConfig: "libmicrohttpd",
      providers: [.apt(["libmicrohttpd-dev"])]),
    .systemLibrary(
      name: "CCrypto", path: "Sources/EventSources/CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", path: "Sources/SystemLibraries/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CEventLoop", path: "Sources/EventSources/CEventLoop"),
    module("Intake", in: "EventSources", ["Payloads", "CMicrohttpd", "CCrypto", "CZlib", "CEventLoop"]),
    tests(of: "Intake", ["ValueStreamCore", "CZlib"]),
    .target(name: "CCrashMark", path: "Sources/Tracing/CCrashMark"),
    module("Pipeline", in: "Tracing", ["CCrashMark"]),
    module("Logging", in: "Tracing"),
    module("Mock", in: "Tracing", ["Pipeline"]),
    module("Prometheus", in: "Tracing"),
    module("QueryAPI", in: "Reports"),
    .target(name: "CByteScan", path: "Sources/Reports/CByteScan"),
    module("CSV", in: "Reports", ["CByteScan", "CZlib", "CZstd"]),
    module("Aggregates", in: "Reports", ["CSV"]),
    module("Charts", in: "Reports"),
    module("SampleReports", in: "Reports", ["CSV"]),
    .executableTarget(
      name: "vsd",
      dependencies: [
        "ValueStreamCore", "Intake", "SourceCatalog", "Pipeline", "SQLiteStore", "Logging", "Mock",
        "OTLP", "Jaeger", "Lightstep", "Datadog", "Zipkin", "CurlTransport", "Prometheus", "QueryAPI",
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "vsperf",
      dependencies: [
        "ValueStreamCore", "Intake", "SourceCatalog", "GitHub", "HistoryGenerator", "CurlTransport", "CSV", "Aggregates",
        "Charts", "SampleReports", "VendorAPI", "GitHubAPI", "GitLabAPI", "JiraAPI", "JenkinsAPI",
      ],
      swiftSettings: settings),
    .target(
      name: "ValueStreamTesting", dependencies: ["ValueStreamCore", "Pipeline"], path: "Tests/ValueStreamTesting",
      swiftSettings: settings),
    tests(of: "ValueStreamCore"),
    tests(of: "Pipeline", ["ValueStreamCore"]),
    tests(of: "GitHub", ["ValueStreamCore"], fixtures: ["Fixtures"]),
    tests(of: "GitLab", ["ValueStreamCore"], fixtures: ["Fixtures"]),
    tests(of: "Jenkins", ["ValueStreamCore"], fixtures: ["Fixtures"]),
    tests(of: "JiraCloud", ["ValueStreamCore"], fixtures: ["Fixtures"]),
    tests(of: "Trello", ["ValueStreamCore"], fixtures: ["Fixtures"]),
    tests(of: "CustomHTTP", ["ValueStreamCore"], fixtures: ["Fixtures"]),
    tests(of: "CDEvents", ["ValueStreamCore"], fixtures: ["Fixtures"]),
    tests(of: "HistoryGenerator", ["ValueStreamCore", "GitHub"]),
    .systemLibrary(
      name: "CSQLite", path: "Sources/Tracing/CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(
      name: "CZstd", path: "Sources/SystemLibraries/CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    module("SQLiteStore", in: "Tracing", ["CSQLite", "CZstd"]),
    .systemLibrary(
      name: "CCurl", path: "Sources/Tracing/CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    module("CurlTransport", in: "Tracing", ["CCurl"]),
    tests(of: "CurlTransport", ["ValueStreamCore"]),
    .systemLibrary(name: "CGzip", path: "Sources/Tracing/CGzip", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    module("OTLP", in: "Tracing", ["Pipeline", "CGzip"]),
    tests(of: "OTLP", ["ValueStreamCore", "Pipeline", "CGzip", "CurlTransport"], fixtures: ["Golden", "read-otlp.py"]),
    module("Jaeger", in: "Tracing", ["Pipeline", "OTLP"]),
    tests(of: "Jaeger", ["ValueStreamCore", "Pipeline", "OTLP"]),
    module("Lightstep", in: "Tracing", ["Pipeline", "OTLP"]),
    tests(of: "Lightstep", ["ValueStreamCore", "Pipeline", "OTLP"]),
    module("Datadog", in: "Tracing", ["Pipeline"]),
    tests(of: "Datadog", ["ValueStreamCore", "Pipeline", "CurlTransport"], fixtures: ["Golden"]),
    module("Zipkin", in: "Tracing", ["Pipeline"]),
    tests(of: "Zipkin", ["ValueStreamCore", "Pipeline", "CurlTransport"], fixtures: ["Golden", "zipkin-v2.schema.json"]),
    .target(name: "CSyncRecorder", path: "Tests/CSyncRecorder", linkerSettings: [.linkedLibrary("sqlite3")]),
    tests(of: "SQLiteStore", ["ValueStreamCore", "CSyncRecorder"]),
    // Written as a stranger would: without access to what is only for this package.
    .target(
      name: "EmbeddingExample", dependencies: ["ValueStreamCore"], path: "Tests/EmbeddingExample", packageAccess: false,
      swiftSettings: settings),
    tests(of: "EmbeddingExample", ["ValueStreamCore"]),
    .testTarget(
      name: "DocumentationTests",
      dependencies: [
        "vsd", "vsperf", "ValueStreamCore", "ValueStreamTesting", "Intake", "CustomHTTP", "Pipeline", "SQLiteStore",
      ],
      swiftSettings: settings),
    tests(
      of: "vsd",
      ["ValueStreamCore", "OTLP", "Datadog", "Pipeline", "CurlTransport", "vsperf", "HistoryGenerator", "CrashingProjector"],
      fixtures: ["Golden", "Producer"]),
    .testTarget(
      name: "MixedSourcesTests",
      dependencies: ["ValueStreamCore", "ValueStreamTesting"] + sources,
      swiftSettings: settings),
    .testTarget(
      name: "ScenarioTests", dependencies: ["ValueStreamCore", "ValueStreamTesting", "SourceCatalog", "SQLiteStore"],
      exclude: ["Scenarios"],
      swiftSettings: settings),
    .target(
      name: "SourceFuzzing", dependencies: ["ValueStreamCore"] + sources, path: "Tests/SourceFuzzing", swiftSettings: settings),
    .executableTarget(
      name: "fuzz-sources", dependencies: ["SourceFuzzing"], path: "Tests/FuzzSources", swiftSettings: settings),
    tests(of: "SourceFuzzing"),
    .executableTarget(
      name: "bench-export",
      dependencies: ["ValueStreamCore", "GitHub", "HistoryGenerator", "Pipeline", "SQLiteStore", "OTLP", "Datadog", "Zipkin"],
      path: "Tests/ExportBenchmark", swiftSettings: settings),
    .executableTarget(
      name: "bench-traces", dependencies: ["ValueStreamCore", "SQLiteStore", "QueryAPI"], path: "Tests/TraceBenchmark",
      swiftSettings: settings),
    .executableTarget(
      name: "CrashingProjector", dependencies: ["ValueStreamCore", "Pipeline", "SQLiteStore"], path: "Tests/CrashingProjector",
      swiftSettings: settings),
    tests(of: "Prometheus", ["ValueStreamCore"], fixtures: ["Golden"]),
    tests(of: "Mock", ["ValueStreamCore", "Pipeline"]),
    tests(of: "Logging", ["ValueStreamCore"]),
    tests(of: "QueryAPI", ["ValueStreamCore"], fixtures: ["Golden"]),
    tests(of: "CSV", ["ValueStreamCore", "CGzip", "CZstd"]),
    tests(of: "Aggregates", ["CSV", "ValueStreamCore"], fixtures: ["Golden"]),
    tests(of: "Charts", fixtures: ["Golden"]),
    tests(of: "SampleReports", ["Aggregates", "CSV", "VendorAPI"]),
    tests(of: "VendorAPI", ["ValueStreamCore", "Payloads"]),
    tests(of: "GitHubAPI", ["ValueStreamCore", "VendorAPI"]),
    tests(of: "GitLabAPI", ["ValueStreamCore", "VendorAPI"]),
    tests(of: "JiraAPI", ["ValueStreamCore", "VendorAPI"]),
    tests(of: "JenkinsAPI", ["ValueStreamCore", "VendorAPI"]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
