import Foundation
import Simulator
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Sends a generated year, or a part of one, to vsd, and compares what vsd makes of it with the plan of the history.
@Suite("A generated year, sent to vsd")
struct YearHistoryTests {
  private static let until = "2025-06-17T18:00:00Z"
  private static let days = 45
  private static let scale = 0.6
  private static let secrets = [
    "VS_GITHUB_SECRET": "one", "VS_GITLAB_SECRET": "two", "VS_JIRA_SECRET": "three", "VS_JENKINS_SECRET": "four",
    "VS_CUSTOMHTTP_SECRET": "five",
  ]

  @Test("is taken whole, signed for each vendor, and gives the releases and lead times of its plan", arguments: UInt64(1)...2)
  func whole(seed: UInt64) throws {
    let vsd = try VSDProcess(["--store=memory", "--tracer=none"], environment: Self.secrets)
    let arguments = [
      "generate", "history", "--story=year", "--seed=\(seed)", "--days=\(Self.days)", "--scale=\(Self.scale)",
      "--until=\(Self.until)", "--send", "http://127.0.0.1:\(vsd.ports[0])",
    ]
    var wrong = Self.secrets
    wrong["VS_JIRA_SECRET"] = "another"
    let refused = try VSPerf.run(arguments, environment: wrong)
    #expect(refused.exit == .code(69) && refused.errors.contains("VS_JIRA_SECRET must be"), "\(refused.errors)")

    let answers = vsd.home.path + "/answers.json"
    let sent = try VSPerf.run(arguments + ["--connections=8", "--answers", answers], environment: Self.secrets)
    #expect(sent.exit == .code(0), "\(sent.errors)")
    let until = try #require(Timestamp(rfc3339: Self.until))
    let history = YearHistory(HistoryConfiguration(seed: seed, days: Self.days, scale: Self.scale, until: until))
    #expect(try Data(contentsOf: URL(fileURLWithPath: answers)) == Data(history.answers.json))
    // A debug build on a busy machine may count after the time for which a request waits.
    try vsd.waitForAllFacts()
    let counts = try #require(try vsd.json("/api/v1/stats")["deliveries"])
    #expect(counts["recorded"]?.int == history.count)
    #expect(counts["ignored"] == 0 && counts["unreadable"] == 0, "\(counts)")

    let deploys = try HistoryTests.spans(of: vsd).compactMap(Deploy.init)
    let window = try #require(history.answers.windows.last)
    for group in window.groups {
      let releases = Self.releases(of: deploys.filter { group.service == nil || $0.service == group.service })
      #expect(releases.count == group.releases, "\(group.service ?? "all")")
      #expect(Self.leadTimes(of: releases) == group.leadTimesOfRequests, "\(group.service ?? "all")")
    }
  }

  /// A successful deploy to production as the API has it.
  private struct Deploy {
    var service: String
    var commit: String
    var begin: Timestamp
    var end: Timestamp
    /// The first commits of the changes that it brought, by the keys of the changes.
    var changes: [String: Timestamp] = [:]

    init?(_ span: JSON) {
      let attributes = span["attributes"]
      let environment = attributes?["deployment.environment.name"]?.text ?? ""
      guard span["operation"] == "deploy", span["outcome"] == "success",
        environment.hasPrefix("production") || environment == "live",
        let service = attributes?["valuestream.service"]?.text ?? Self.repository(attributes),
        let commit = attributes?["vcs.ref.head.revision"]?.text,
        let begin = span["start"]?.text.flatMap({ Timestamp(rfc3339: $0) }),
        let end = span["end"]?.text.flatMap({ Timestamp(rfc3339: $0) })
      else { return nil }
      self.service = service
      self.commit = commit
      self.begin = begin
      self.end = end
      for link in span["links"]?.list ?? [] where link["rule"] == "deploys" {
        guard let key = link["key"]?.text, let seconds = link["attributes"]?["valuestream.lead_time.commit"]?.int else {
          continue
        }
        changes[key] = end.advanced(bySeconds: -Double(seconds))
      }
    }

    private static func repository(_ attributes: JSON?) -> String? {
      guard let owner = attributes?["vcs.owner.name"]?.text, let name = attributes?["vcs.repository.name"]?.text else {
        return nil
      }
      return "\(owner)/\(name)"
    }
  }

  private struct Release {
    var begin: Timestamp
    var end: Timestamp
    var changes: [String: Timestamp]
  }

  private static func releases(of deploys: [Deploy]) -> [Release] {
    var releases: [Release] = []
    for all in Dictionary(grouping: deploys, by: { "\($0.service) \($0.commit)" }).values {
      var last: Release?
      for deploy in all.sorted(by: { $0.begin < $1.begin }) {
        if let release = last, deploy.begin.seconds(since: release.begin) <= 3600 {
          last?.end = min(release.end, deploy.end)
          last?.changes.merge(deploy.changes) { first, _ in first }
        } else {
          releases += [last].compactMap { $0 }
          last = Release(begin: deploy.begin, end: deploy.end, changes: deploy.changes)
        }
      }
      releases += [last].compactMap { $0 }
    }
    return releases
  }

  /// The lead times of changes, each at its first release.
  private static func leadTimes(of releases: [Release]) -> [Double] {
    var seen: Set<String> = []
    var times: [Double] = []
    for release in releases.sorted(by: { $0.end < $1.end }) {
      for (key, first) in release.changes where seen.insert(key).inserted { times.append(release.end.seconds(since: first)) }
    }
    return times.sorted()
  }
}
