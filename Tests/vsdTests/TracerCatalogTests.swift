import Export
import Testing
import ValueStreamCore

@testable import vsd

@Suite("The catalog of tracers")
struct TracerCatalogTests {
  private static func settings(_ environment: [String: String]) throws -> Settings {
    try Settings(
      declared: TracerCatalog.declarations + ExportSettings.declarations, arguments: [], environment: environment)
  }

  @Test("no two tracers share a name or a setting")
  func distinct() {
    let names = TracerCatalog.names + TracerCatalog.exporting.flatMap(\.otherNames)
    #expect(Set(names).count == names.count)
    #expect(Set(TracerCatalog.declarations.map(\.name)).count == TracerCatalog.declarations.count)
  }

  @Test("makes the exporter of each tracer under the name of the tracer", arguments: TracerCatalog.exporting.map(\.name))
  func makes(_ name: String) throws {
    let settings = try Self.settings(["VS_TRACER_ACCESS_TOKEN": "t"])
    let made = try TracerCatalog.destinations(of: [name], in: settings, environment: [:]) { _ in nil }
    #expect(made.map(\.exporter.name) == [name])
  }

  @Test("makes exporters in the order of the choice, and none for mock")
  func order() throws {
    let chosen = ["zipkin", TracerCatalog.mock, "otlp"]
    let made = try TracerCatalog.destinations(of: chosen, in: Self.settings([:]), environment: [:]) { _ in nil }
    #expect(made.map(\.exporter.name) == ["zipkin", "otlp"])
  }

  @Test("does not read the settings of tracers that were not chosen")
  func others() throws {
    let settings = try Self.settings(["DD_TRACE_AGENT_PORT": "not a port"])
    #expect(try TracerCatalog.destinations(of: ["zipkin"], in: settings, environment: [:]) { _ in nil }.count == 1)
    #expect(throws: SettingsError.self) {
      try TracerCatalog.destinations(of: ["datadog"], in: settings, environment: [:]) { _ in nil }
    }
  }

  @Test("knows the former name of a tracer")
  func formerNames() {
    #expect(TracerCatalog.name("logger") == "logging")
    #expect(TracerCatalog.name("otlp") == "otlp")
    #expect(TracerCatalog.name("prometheus") == nil)
  }
}
