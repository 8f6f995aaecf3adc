import Testing
import ValueStreamCore

@testable import Dashboard
@testable import DeliveryMetrics

@Suite("Why no change has a lead time")
struct LeadTimeObstacleTests {
  private static func samples(_ facts: SampleFacts) throws -> DashboardSamples {
    try DashboardSamples(reports: .init(facts: facts, settings: ReportSettings()))
  }

  @Test("the first release of a service is named as the reason, on the page of lead time and on its tile")
  func firstRelease() throws {
    let samples = try Self.samples(SampleFacts(deploys: [.first]))
    let words = "1 first release of site: lead time begins with the next one"
    let page = samples.text("/lead-time")
    #expect(page.contains("<h1>\(words)</h1>"))
    #expect(page.contains("The first release of a service brings no changes"))
    #expect(!page.contains("--production"), "the release is to production")
    #expect(samples.text("/").contains(words))
  }

  @Test("releases without a known change ask for pushes and commits")
  func laterReleases() throws {
    let samples = try Self.samples(SampleFacts(deploys: [.first, .forward, .forward]))
    let page = samples.text("/lead-time")
    #expect(page.contains("<h1>2 releases bring no change that vsd knows</h1>"))
    #expect(page.contains("It needs the pushes of the repository"))
  }

  @Test("changes that are all left out are said, with a door to them and without stages of no length")
  func allLeftOut() throws {
    let samples = try Self.samples(SampleFacts(deploys: [.first, .forward], hasWrongClock: true))
    let page = samples.text("/lead-time")
    #expect(page.contains("<h1>The only change that reached production is left out</h1>"))
    #expect(page.contains("1 clocks disagree"))
    #expect(page.contains("href=\"/reports/lead_time?part=left_out\""))
    #expect(!page.contains("mean 0 s") && !page.contains("0 ms"))
  }

  @Test("deploys to other environments are named, and those without one")
  func otherEnvironments() {
    func row(_ number: UInt64, _ environment: String?) -> DeployRow {
      DeployRow(
        deploy: FactID(rawValue: number), attempt: 1, service: "site", environment: environment, repository: nil,
        commit: CommitPrefix(rawValue: 1), created: .epoch, started: nil, ended: .epoch, outcome: .success, step: .forward,
        isProduction: false, changeCount: 0, basis: .none, previous: nil, exclusion: nil, release: nil)
    }
    let obstacle = LeadTimeObstacle(of: [
      row(1, "staging"), row(2, nil), row(3, "demo"), row(4, "demo"), row(5, "a"), row(6, "b"),
    ])
    #expect(obstacle.sentence == "No change has reached production yet")
    #expect(obstacle.reasons.contains { $0.hasPrefix("Deploys come to a, b, demo and 1 more, and none of them is production.") })
    #expect(obstacle.reasons.contains { $0.contains("without the name of an environment") })
    #expect(LeadTimeObstacle(of: []).reasons.count == 1)
  }
}
