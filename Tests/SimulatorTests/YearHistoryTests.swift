import Foundation
import IntakeClient
import Simulator
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("A generated year")
struct YearHistoryTests {
  private static func configuration(seed: UInt64, days: Int = 40, scale: Double = 0.5) -> HistoryConfiguration {
    HistoryConfiguration(seed: seed, days: days, scale: scale, until: Story.until)
  }

  @Test("is the same for the same seed, byte for byte, and another one for another")
  func determinism() {
    let first = Array(YearHistory(Self.configuration(seed: 1)))
    #expect(first == Array(YearHistory(Self.configuration(seed: 1))))
    let second = Array(YearHistory(Self.configuration(seed: 2)))
    #expect(first.map(\.body) != second.map(\.body))
    #expect(YearHistory(Self.configuration(seed: 1)).answers == YearHistory(Self.configuration(seed: 1)).answers)
    #expect(YearHistory(Self.configuration(seed: 1)).answers != YearHistory(Self.configuration(seed: 2)).answers)
  }

  @Test("has deliveries of five vendors, in order and within its time", arguments: Seeds.upTo(5))
  func deliveries(seed: UInt64) throws {
    let configuration = Self.configuration(seed: seed)
    let history = YearHistory(configuration)
    let deliveries = Array(history)
    #expect(deliveries.count == history.count)
    #expect(Set(deliveries.map(\.path)) == ["/github", "/gitlab", "/jira", "/jenkins", "/customhttp"])
    #expect(zip(deliveries, deliveries.dropFirst()).allSatisfy { $0.time < $1.time })
    let start = Story.until.advanced(bySeconds: -Double(configuration.days) * 86_400)
    #expect(deliveries.allSatisfy { $0.time >= start && $0.time <= Story.until })
    for delivery in deliveries { _ = try JSONSerialization.jsonObject(with: Data(delivery.body)) }
    let ids = deliveries.compactMap { $0.headers["X-GitHub-Delivery"] ?? $0.headers["X-Gitlab-Event-UUID"] }
    #expect(Set(ids).count == ids.count)
  }

  @Test("has changes that wait for their review at its end, on whatever day it ends", arguments: 0..<7)
  func waitingWork(day: Int) throws {
    let until = Story.until.advanced(bySeconds: Double(day) * 86_400 + 1800)
    let history = YearHistory(HistoryConfiguration(seed: 1, days: 30, scale: 0.1, until: until))
    var actions: [Substring: [Substring]] = [:]
    for delivery in history where delivery.headers["X-GitHub-Event"] == "pull_request" {
      let body = String(decoding: delivery.body, as: UTF8.self)
      let address = try #require(body.firstMatch(of: /"html_url": ?"([^"]+\/pull\/[0-9]+)"/)?.output.1)
      actions[address, default: []].append(try #require(body.firstMatch(of: /"action": ?"([a-z_]+)"/)?.output.1))
    }
    let open = actions.values.filter { $0.contains("opened") && !$0.contains("closed") }
    #expect(open.count >= 2)
  }

  @Test("deploys nothing before it was merged, to staging neither", arguments: Seeds.upTo(4))
  func nothingBeforeItsMerge(seed: UInt64) throws {
    var merged: [String: String] = [:]
    var deploys: [(sha: String, created: String)] = []
    func text(_ value: Any?) -> String { value as? String ?? "" }
    for delivery in YearHistory(Self.configuration(seed: seed, days: 60, scale: 1)) {
      guard let body = try JSONSerialization.jsonObject(with: Data(delivery.body)) as? Story.Object else { continue }
      switch delivery.kind {
      case "pull_request":
        guard let change = body["pull_request"] as? Story.Object, change["merged"] as? Bool == true else { continue }
        merged[text(change["merge_commit_sha"])] = text(change["merged_at"])
      case "deployment":
        guard let deploy = body["deployment"] as? Story.Object else { continue }
        deploys.append((text(deploy["sha"]), text(deploy["created_at"])))
      default: break
      }
    }
    let known = deploys.compactMap { deploy in merged[deploy.sha].map { (merged: $0, created: deploy.created) } }
    #expect(known.count > 20)
    #expect(known.allSatisfy { $0.merged < $0.created })
  }

  @Test("of a whole year has something for every report, and a quarter that is worse than the others", arguments: Seeds.upTo(4))
  func everyReport(seed: UInt64) throws {
    let answers = YearHistory(Self.configuration(seed: seed, days: 365, scale: 1)).answers
    #expect(answers.windows.count == 3)
    let whole = try #require(answers.windows.last?.groups.first)
    #expect(whole.leadTimes.count > 1500 && whole.leadTimes.allSatisfy { $0 > 0 })
    #expect(whole.releases > 600 && whole.failed > 20 && whole.rework > 20 && whole.recoveryTimes.count > 20)
    #expect(whole.incidents > 20 && whole.issuesDone > 500 && whole.unreviewed > 20 && whole.directChanges > 100)
    #expect(whole.flakyRuns > 100 && whole.reviewed > 1000)
    #expect(whole.recoveryTimes.allSatisfy { $0 > 0 })
    #expect(whole.failed <= whole.total && whole.total + whole.pending == whole.releases)
    let services = answers.windows.map { $0.groups.dropFirst() }
    for (window, groups) in zip(answers.windows, services) {
      #expect(groups.count == 5)
      let all = try #require(window.groups.first)
      #expect(groups.reduce(0) { $0 + $1.releases } == all.releases)
      #expect(groups.reduce(0) { $0 + $1.failed } == all.failed)
      #expect(groups.reduce(0) { $0 + $1.recoveryTimes.count } == all.recoveryTimes.count)
      // The two services of one repository deliver the same changes.
      #expect(groups.reduce(0) { $0 + $1.leadTimes.count } > all.leadTimes.count)
    }
    // The window before the last one lies in the bad quarter.
    let (last, bad) = (try #require(answers.windows[0].groups.first), try #require(answers.windows[1].groups.first))
    #expect(Double(bad.failed) / Double(bad.total) > Double(last.failed) / Double(last.total))
    #expect(bad.leadTimes[bad.leadTimes.count / 2] > last.leadTimes[last.leadTimes.count / 2])
    #expect(bad.flakyRuns > last.flakyRuns && bad.releases < last.releases)
  }

  @Test("has the answers that a count of its deliveries gives: releases of each service", arguments: UInt64(1)...3)
  func releases(seed: UInt64) throws {
    let history = YearHistory(Self.configuration(seed: seed, days: 100, scale: 1))
    // The commit, environment, begin and end of each successful deploy, by service.
    var deploys: [String: [(sha: String, begin: Timestamp, end: Timestamp)]] = [:]
    var begins: [String: Timestamp] = [:]
    func text(_ value: Any?) -> String { value as? String ?? "" }
    func time(_ value: Any?) throws -> Timestamp { try #require(Timestamp(rfc3339: text(value))) }
    for delivery in history {
      guard let body = try JSONSerialization.jsonObject(with: Data(delivery.body)) as? Story.Object else { continue }
      switch delivery.kind {
      case "deployment_status":
        let (deploy, status) = (body["deployment"] as? Story.Object, body["deployment_status"] as? Story.Object)
        guard deploy?["production_environment"] as? Bool == true else { continue }
        let id = "github \(deploy?["id"] ?? "")"
        if text(status?["state"]) == "in_progress" { begins[id] = try time(status?["created_at"]) }
        guard text(status?["state"]) == "success", let begin = begins[id] else { continue }
        deploys["harbour/shop", default: []].append((text(deploy?["sha"]), begin, try time(status?["created_at"])))
      case "gitlab deployment":
        guard text(body["environment"]) == "production" else { continue }
        let id = "gitlab \(body["deployment_id"] ?? "")"
        if text(body["status"]) == "running" { begins[id] = try time(body["status_changed_at"]) }
        guard text(body["status"]) == "success", let begin = begins[id] else { continue }
        deploys["harbour/payments", default: []].append((text(body["short_sha"]), begin, try time(body["status_changed_at"])))
      case "jenkins":
        guard let build = body["build"] as? Story.Object, let parameters = build["parameters"] as? Story.Object else { continue }
        let milliseconds = try #require(build["timestamp"] as? Int64)
        let id = text(build["full_url"])
        if text(build["phase"]) == "STARTED" { begins[id] = Timestamp(milliseconds: milliseconds) }
        guard text(build["phase"]) == "COMPLETED", text(build["status"]) == "SUCCESS", let begin = begins[id] else { continue }
        let sha = text((build["scm"] as? Story.Object)?["commit"])
        deploys[text(parameters["service"]), default: []].append((sha, begin, Timestamp(milliseconds: milliseconds)))
      case "customhttp":
        guard text(body["type"]) == "deploy", text(body["outcome"]) == "success" else { continue }
        let sha = text((body["references"] as? [Any])?.first)
        deploys[text(body["service"]), default: []].append((sha, try time(body["startedAt"]), try time(body["endedAt"])))
      default: break
      }
    }
    for window in history.answers.windows {
      for group in window.groups.dropFirst() {
        var ends: [Timestamp] = []
        // Deploys of one commit that begin within an hour of the first are one release.
        for all in Dictionary(grouping: deploys[group.service ?? ""] ?? [], by: \.sha).values {
          var first: Timestamp?
          for deploy in all.sorted(by: { $0.begin < $1.begin }) {
            if let first, deploy.begin.seconds(since: first) <= 3600 {
              ends[ends.count - 1] = min(ends[ends.count - 1], deploy.end)
            } else {
              first = deploy.begin
              ends.append(deploy.end)
            }
          }
        }
        #expect(ends.count { $0 >= window.from && $0 < window.to } == group.releases, "\(group.service ?? "")")
      }
    }
  }

  @Test("writes its answers with the member names of the reports, and null for what is not known")
  func json() throws {
    let answers = YearHistory(Self.configuration(seed: 1, days: 2, scale: 0.1)).answers
    let json = try #require(try JSONSerialization.jsonObject(with: Data(answers.json)) as? Story.Object)
    let windows = try #require(json["windows"] as? [Story.Object])
    #expect(windows.count == 1)
    let group = try #require((windows.first?["groups"] as? [Story.Object])?.first)
    let metrics = try #require(group["metrics"] as? [String: Story.Object])
    #expect(
      Set(metrics.keys) == [
        "lead_time", "deployment_frequency", "change_fail_rate", "failed_deployment_recovery_time", "rework_rate",
      ])
    #expect(metrics["failed_deployment_recovery_time"]?["median_seconds"] is NSNull)
    #expect(metrics["deployment_frequency"]?["median_days_per_week"] is NSNull)
  }
}
