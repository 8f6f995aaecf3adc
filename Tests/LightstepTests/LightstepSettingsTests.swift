import Export
import Lightstep
import OTLP
import Testing
import ValueStreamCore

@Suite("Settings of Lightstep")
struct LightstepSettingsTests {
  static func configuration(
    _ arguments: [String] = [], _ environment: [String: String] = [:]
  ) throws(SettingsError) -> OTLPConfiguration {
    let settings = try Settings(
      declared: LightstepSettings.declarations + ExportSettings.declarations, arguments: arguments, environment: environment)
    return try LightstepSettings.configuration(in: settings, attributes: .both, phases: .events)
  }

  @Test("The token is a header, given as a flag or a variable")
  func token() throws {
    let byVariable = try Self.configuration([], ["VS_TRACER_ACCESS_TOKEN": "abc"])
    #expect(byVariable.url == "https://ingest.lightstep.com/v1/traces")
    #expect(byVariable.headers == ["lightstep-access-token": "abc"])
    #expect(byVariable.presentation.services == ServiceNames())
    #expect(try Self.configuration(["-tracer-access-token", "flag"]).headers == ["lightstep-access-token": "flag"])
  }

  @Test("A microsatellite of one's own")
  func endpoint() throws {
    let variables = ["VS_TRACER_ACCESS_TOKEN": "abc", "VS_LIGHTSTEP_ENDPOINT": "https://satellite:8184/"]
    #expect(try Self.configuration([], variables).url == "https://satellite:8184/v1/traces")
  }

  @Test(
    "Mistakes name the place, and no token",
    arguments: [
      ([:], "VS_TRACER_ACCESS_TOKEN"), (["VS_TRACER_ACCESS_TOKEN": "hunter2\n"], "control characters"),
      (["VS_TRACER_ACCESS_TOKEN": "hunter2", "VS_LIGHTSTEP_ENDPOINT": "satellite"], "VS_LIGHTSTEP_ENDPOINT"),
    ])
  func mistake(environment: [String: String], says: String) {
    #expect {
      try Self.configuration([], environment)
    } throws: { error in
      "\(error)".contains(says) && !"\(error)".contains("hunter2")
    }
  }
}
