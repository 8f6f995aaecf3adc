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

func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name), "ValueStreamTesting"] + dependencies, swiftSettings: settings)
}

let package = Package(
  name: "ValueStream",
  products: [
    .library(name: "ValueStreamCore", targets: ["ValueStreamCore"])
  ],
  targets: [
    .target(name: "ValueStreamCore", swiftSettings: settings),
    .target(
      name: "CSimdjson", path: "Sources/EventSources/CSimdjson",
      linkerSettings: [.linkedLibrary("simdjson")]),
    module("Payloads", in: "EventSources", ["CSimdjson"]),
    module("GitHub", in: "EventSources", ["Payloads"]),
    module("CustomHTTP", in: "EventSources", ["Payloads"]),
    module("Pipeline", in: "Tracing"),
    module("Logging", in: "Tracing"),
    module("Mock", in: "Tracing", ["Pipeline"]),
    module("Prometheus", in: "Tracing"),
    module("QueryAPI", in: "Reports"),

  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
