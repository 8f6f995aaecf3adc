import DeliveryMetrics
import Testing
import ValueStreamCore

@testable import QueryAPI

@Suite("The settings of reports")
struct ReportDefaultsTests {
  private static func defaults(_ arguments: [String], file: String? = nil) throws -> ReportDefaults {
    let config = Setting<String?>.optionalText("config", placeholder: "FILE", help: "")
    let settings = try Settings(
      declared: ReportDefaults.declarations + [config.declaration],
      arguments: arguments + (file == nil ? [] : ["--config=f"]), environment: [:], fileSetting: "config"
    ) { _ in file.map { Array($0.utf8) } }
    return try ReportDefaults(settings)
  }

  private static func teams(_ defaults: ReportDefaults) -> [String] {
    defaults.settings.teams.map { "\($0.name): \($0.patterns.map(\.description).joined(separator: " "))" }
  }

  @Test("Without settings, reports count as their definitions say")
  func usual() throws {
    let defaults = try Self.defaults([])
    #expect(defaults.settings.production.isEmpty && defaults.settings.teams.isEmpty)
    #expect(defaults.settings.failureRules == FailureRule.usual)
    #expect(defaults.settings.verdictAfterSeconds == 86_400)
    #expect(defaults.settings.blameWithinSeconds == 604_800)
    #expect(defaults.zone == .utc)
    #expect(defaults.hotfixes == FactRules.defaultHotfixes)
  }

  @Test(
    "Teams are written in one line, or as a list in the configuration file",
    arguments: [
      "shop=acme/cart*,acme/till;search=acme/search", "shop=acme/cart*;shop=acme/till;search=acme/search;",
      "search=acme/search, shop = acme/cart* , acme/till",
    ])
  func teams(text: String) throws {
    let expected = ["search: acme/search", "shop: acme/cart* acme/till"]
    #expect(Self.teams(try Self.defaults(["--teams=\(text)"])).sorted() == expected)
  }

  @Test("The configuration file holds them as lists")
  func file() throws {
    let defaults = try Self.defaults(
      [],
      file: """
        {teams: ["shop=acme/cart*, acme/till", "search=acme/search"], production: ["prod-*", "live"], "time-zone": "Europe/Berlin",
         "failure-rules": "none", "active-statuses": ["In Progress"]}
        """)
    #expect(Self.teams(defaults) == ["shop: acme/cart* acme/till", "search: acme/search"])
    #expect(defaults.settings.production.map(\.description) == ["prod-*", "live"])
    #expect(defaults.settings.failureRules.isEmpty)
    #expect(defaults.settings.statuses.active.map(\.description) == ["In Progress"])
    #expect(defaults.zone.name == "Europe/Berlin")
  }
}
