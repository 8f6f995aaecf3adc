import Export
import Testing
import ValueStreamCore

@Suite("Names of services")
struct ServiceNamesTests {
  @Test(
    "One for all, some of their own, or both",
    arguments: [
      ("delivery", ["github": "delivery", "jira": "delivery"]), ("github=code", ["github": "code", "jira": "jira"]),
      (" delivery , github = code ,", ["github": "code", "jira": "delivery"]), ("github=a=b", ["github": "a=b", "jira": "jira"]),
      ("", ["github": "github", "jira": "jira"]),
    ])
  func names(text: String, expected: [String: String]) throws {
    let names = try ServiceNames(setting: text)
    for (source, name) in expected { #expect(names.name(of: source) == name) }
  }

  @Test("What is neither is a mistake", arguments: ["a,b", "=code", "github=", "github=code,x,y"])
  func mistakes(text: String) {
    #expect(throws: SettingError.self) { try ServiceNames(setting: text) }
  }

  @Test("An exporter's own name counts unless the common ones stand in a stronger place")
  func own() throws {
    let own = Setting<String?>.optionalText("own-name", otherVariables: ["THEIR_NAME"], placeholder: "NAME", help: "")
    func name(_ arguments: [String], _ environment: [String: String]) throws -> String {
      let settings = try Settings(
        declared: [own.declaration, ExportSettings.serviceNames.declaration], arguments: arguments, environment: environment)
      return try ServiceNames(in: settings, own: own).name(of: "github")
    }
    #expect(try name([], [:]) == "github")
    #expect(try name([], ["THEIR_NAME": "own", "OTEL_SERVICE_NAME": "common"]) == "own")
    #expect(try name([], ["THEIR_NAME": "own", "VS_SERVICE_NAMES": "common"]) == "common")
    #expect(try name(["--own-name=own"], ["VS_SERVICE_NAMES": "common"]) == "own")
    #expect(try name(["--service-names=common"], ["VS_OWN_NAME": "own"]) == "common")
  }
}
