import GitHubWebhooks
import IntakeClient
import Simulator
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("A generated history")
struct SimulatorTests {
  private static func deliveries(seed: UInt64, days: Int = 5, scale: Double = 0.5) -> [HistoryDelivery] {
    Array(HistoryGenerator(HistoryConfiguration(seed: seed, days: days, scale: scale, until: Story.until)))
  }

  @Test("is the same for the same seed, byte for byte, and another one for another")
  func determinism() {
    let first = Self.deliveries(seed: 1)
    #expect(first == Self.deliveries(seed: 1))
    let second = Self.deliveries(seed: 2)
    #expect(first != second)
    // Delivery ids differ between seeds, so both histories can go to the same vsd.
    let ids = { (all: [HistoryDelivery]) in Set(all.compactMap { $0.headers["X-GitHub-Delivery"] }) }
    #expect(ids(first).isDisjoint(with: ids(second)))
    #expect(ids(first).count == first.count)
  }

  @Test("of a larger scale has other teams besides, and the first as it was")
  func scale() {
    let one = Self.deliveries(seed: 3, scale: 1)
    let three = Self.deliveries(seed: 3, scale: 3)
    #expect(three.filter { !String(decoding: $0.body, as: UTF8.self).contains("pier") } == one)
    #expect(three.count > 2 * one.count)
    #expect(zip(three, three.dropFirst()).allSatisfy { $0.time <= $1.time })
  }

  @Test("is understood by the source, and no body is too small or too large to be believed", arguments: Seeds.upTo(20))
  func understood(seed: UInt64) throws {
    let source = GitHubSource()
    for delivery in Self.deliveries(seed: seed) {
      let received = Delivery(
        source: "github", id: delivery.headers["X-GitHub-Delivery"], received: delivery.time, headers: delivery.headers,
        body: delivery.body)
      #expect(throws: Never.self, "\(String(decoding: delivery.json, as: UTF8.self))") { try source.events(in: received) }
      #expect((2000..<10_500).contains(delivery.body.count), "\(delivery.kind): \(delivery.body.count) bytes")
    }
  }

  @Test("is as large as a team of eight makes it in two weeks", arguments: UInt64(1)...3)
  func sizes(seed: UInt64) throws {
    let story = try Story(seed: seed)
    let expected = story.expectations
    #expect((40...85).contains(expected.issues.count), "\(expected.issues.count) issues")
    #expect((60...120).contains(expected.pullRequests.count), "\(expected.pullRequests.count) pull requests")
    #expect((280...520).contains(expected.runs.count), "\(expected.runs.count) runs")
    #expect((60...125).contains(expected.deployments.count), "\(expected.deployments.count) deployments")
    #expect(expected.issues.count { $0.isIncident } == 1)
    #expect(expected.deployments.contains { $0.isRollback && $0.outcome == "success" && $0.environment == "production" })
    #expect(expected.deployments.contains { $0.outcome == "failure" })
    #expect(expected.runs.contains { $0.attempts > 1 && $0.workflow == "CI" })
    #expect(expected.runs.contains { $0.conclusion == "cancelled" })
    for tie in [HistoryExpectations.Tie.branch, .closingWords, .none] {
      #expect(expected.pullRequests.contains { $0.tie == tie })
    }
    #expect(expected.pullRequests.contains { $0.isOpen } && expected.pullRequests.contains { !$0.isOpen && !$0.isMerged })
    #expect(!expected.releaseTags.isEmpty)
    let types: Set = [
      "issues", "issue_comment", "sub_issues", "pull_request", "pull_request_review", "push", "create", "delete", "workflow_run",
      "workflow_job", "check_run", "check_suite", "status", "deployment", "deployment_status", "release", "merge_group",
    ]
    #expect(Set(expected.deliveries.keys).isSubset(of: types))
    #expect(Set(expected.deliveries.keys).isSuperset(of: types.subtracting(["sub_issues"])))
  }

  @Test("expects what it told")
  func expectations() throws {
    let story = try Story(seed: 5, days: 7)
    let expected = story.expectations
    #expect(expected.deliveryCount == story.deliveries.count)
    #expect(expected.deliveries == Dictionary(grouping: story.deliveries, by: \.kind).mapValues(\.count))
    #expect(expected.issues.count == story.count("issues", action: "opened"))
    #expect(
      expected.issues.count { !$0.isOpen } == story.count("issues", action: "closed") - story.count("issues", action: "reopened"))
    #expect(expected.pullRequests.count == story.count("pull_request", action: "opened"))
    #expect(expected.pullRequests.count { !$0.isOpen } == story.count("pull_request", action: "closed"))
    #expect(expected.runs.map(\.attempts).reduce(0, +) == story.count("workflow_run", action: "requested"))
    let jobs = story.all("workflow_job", "workflow_job").map { $0.object.int("id") }
    #expect(expected.jobCount == Set(jobs).count)
    #expect(expected.deployments.count == story.count("deployment", action: "created"))
    #expect(expected.releaseTags.count == story.count("release", action: "published"))
    // Each change is deployed once to each environment.
    let arrivals = expected.deployments.flatMap { deployment in
      deployment.pullRequestNumbers.map { "\(deployment.repositoryID) \(deployment.environment) \($0)" }
    }
    #expect(Set(arrivals).count == arrivals.count && !arrivals.isEmpty)
  }

  @Test("without things to record expects the same numbers")
  func recordsNothing() {
    let configuration = HistoryConfiguration(seed: 5, days: 3, until: Story.until)
    let generator = HistoryGenerator(configuration)
    let count = generator.count { _ in true }
    #expect(generator.expectations.deliveryCount == count && count > 0)
    #expect(generator.expectations.issues.isEmpty)
  }

  @Test("as JSON lines has the body at the end, byte for byte")
  func lines() throws {
    for delivery in Self.deliveries(seed: 9, days: 1) {
      #expect(delivery.json.suffix(delivery.body.count + 1).dropLast().elementsEqual(delivery.body))
      #expect(!delivery.json.contains(UInt8(ascii: "\n")))
    }
  }
}
