import CustomHTTP
import Foundation
import GitHub
import GitLab
import Jenkins
import Testing
import ValueStreamCore
import ValueStreamTesting

/// One project whose work is spread over several vendors.
@Suite("Several sources at once")
struct MixedSourcesTests {
  static let sources: [any EventSource] = [GitHubSource(), GitLabSource(), JenkinsSource(), CustomHTTPSource()]
  static let received = Timestamp(rfc3339: "2024-03-10T00:00:00Z") ?? .epoch

  /// Every payload that the tests of a source have.
  static func deliveries(_ folder: String, of source: String) throws -> [Delivery] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let path = tests.appendingPathComponent("\(folder)Tests/\(folder)SourceTests.swift").path
    return try PayloadFixture.all(besideTest: path).map { fixture in
      Delivery(
        source: source, received: received, headers: source == "github" ? ["X-GitHub-Event": fixture.type] : [:],
        body: try fixture.body())
    }
  }

  static let all: [Delivery] = {
    let folders = [("GitHub", "github"), ("GitLab", "gitlab"), ("Jenkins", "jenkins"), ("CustomHTTP", "customhttp")]
    return folders.flatMap { (try? deliveries($0.0, of: $0.1)) ?? [] }
  }()

  static let inOrder = Result { try DeliveryStory(all, of: sources, seed: 0).spans }

  @Test("Shuffled and duplicated, every payload of every source gives the same spans", arguments: UInt64(1)..<30)
  func laws(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let twice = Self.all + Self.all.filter { _ in random.oneIn(3) }
    let spans = try DeliveryStory(twice, of: Self.sources, seed: seed).spans
    let expected = try Self.inOrder.get()
    #expect(expected.count > 40)
    #expect(spans.map(\.span.id) == expected.map(\.span.id))
    for (found, expected) in zip(spans, expected) { #expect(found == expected, "\(expected.span.key)") }
  }

  @Test("A build in Jenkins joins the trace of the GitHub issue that its branch names, its deploy too", arguments: UInt64(0)..<12)
  func joined(seed: UInt64) throws {
    func delivery(_ folder: String, _ source: String, _ name: String) throws -> Delivery {
      let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      let fixture = PayloadFixture(name, besideTest: tests.appendingPathComponent("\(folder)Tests/x.swift").path)
      return Delivery(
        source: source, received: Self.received, headers: source == "github" ? ["X-GitHub-Event": fixture.type] : [:],
        body: try fixture.body())
    }
    let story = try DeliveryStory(
      [
        try delivery("GitHub", "github", "issues.opened"), try delivery("GitHub", "github", "pull_request.opened"),
        try delivery("Jenkins", "jenkins", "statistics.start"), try delivery("Jenkins", "jenkins", "statistics.end"),
        try delivery("Jenkins", "jenkins", "statistics.deploy"), try delivery("Jenkins", "jenkins", "statistics.deployed"),
      ], of: Self.sources, seed: seed)
    #expect(
      story.tree == [
        "issue:36 09:00:00 to ? open", "pull_request:12 10:00:00 to ? open under issue:36 by explicit_id",
        "build:17 11:02:50 to 11:05:20 success under pull_request:12 by explicit_id",
        "build:252 10:00:30 to 10:09:00 failure under issue:36 by explicit_id",
      ])
    #expect(Set(story.spans.map(\.traceID)).count == 1)
  }
}
