import DeliveryMetrics
import Foundation
import Testing
import ValueStreamCore

@testable import Dashboard

@Suite("Words of the rows behind a number")
struct EvidenceWordsTests {
  private static func words(_ measure: String, _ reasons: [String]) throws -> [String] {
    try #require(Measure.named(measure)).words(
      of: EvidenceRow(kind: .change, id: FactID(rawValue: 1), time: .epoch, reasons: reasons))
  }

  @Test("a reason has the words of the number that it belongs to")
  func reasons() throws {
    #expect(
      try Self.words("lead_time", ["by_bot", "direct", "hotfix"]) == [
        "by a bot", "pushed without a pull or merge request", "hotfix",
      ])
    #expect(try Self.words("change_fail_rate", ["hotfix", "rollback"]) == ["a hotfix followed", "rolled back"])
    #expect(try Self.words("rework_rate", ["hotfix"]) == ["brings a hotfix"])
    #expect(try Self.words("began", ["latest_release"]) == ["latest release of the service before it"])
  }

  @Test("no name of the API is left in words")
  func noNames() throws {
    let measures = Measure.all.map(\.name)
    let reasons =
      ChangeLabels.Traits(rawValue: .max).words + FailureRule.allCases.map(\.rawValue) + ReworkReason.allCases.map(\.rawValue)
      + IncidentCause.Basis.allCases.map(\.rawValue)
    for measure in measures {
      for word in try Self.words(measure, reasons) { #expect(!word.contains("_"), "\(measure): \(word)") }
    }
    for reason in LeftOutReason.allCases { #expect(!reason.words.contains("_")) }
  }

  @Test("the deploys of a row lead to the pages of deploys, its other items to their traces")
  func links() throws {
    let samples = try DashboardSamples(reports: .init(facts: SampleFacts(), settings: ReportSettings()))
    let rows = samples.text("/reports/lead_time?limit=5")
    #expect(rows.components(separatedBy: " · deployed by </span><a href=\"/deploys/").count == 6)
    #expect(rows.contains("<th scope=\"row\" class=\"main\"><a href=\"/traces/"))
    #expect(samples.text("/reports/change_fail_rate?limit=5").contains("<th scope=\"row\" class=\"main\"><a href=\"/deploys/"))
  }
}
