import Foundation
import GitHubWebhooks
import IntakeClient
import Simulator
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("In a generated history")
struct ConsistencyTests {
  static let seeds: ClosedRange<UInt64> =
    ProcessInfo.processInfo.environment["VALUESTREAM_LONG_TESTS"] == nil ? 1...3 : 1...20

  @Test("nothing is later than its delivery, or than the end", arguments: seeds)
  func future(seed: UInt64) throws {
    let story = try Story(seed: seed, days: 8)
    #expect(zip(story.deliveries, story.deliveries.dropFirst()).allSatisfy { $0.time <= $1.time })
    #expect(
      story.deliveries.allSatisfy {
        $0.time <= Story.until && $0.time > Story.until.advanced(byNanoseconds: -8 * 86_400_000_000_000)
      })
    for (delivery, body) in zip(story.deliveries, story.bodies) {
      var latest = Timestamp.epoch
      Self.visitTimes(in: body) { latest = max(latest, $0) }
      #expect(latest <= delivery.time, "\(delivery.kind) of \(delivery.time) tells of \(latest)")
    }
  }

  private static func visitTimes(in value: Any, _ visit: (Timestamp) -> Void) {
    if let object = value as? [String: Any] {
      for (_, value) in object { visitTimes(in: value, visit) }
    } else if let list = value as? [Any] {
      for value in list { visitTimes(in: value, visit) }
    } else if let text = value as? String, text.count < 40, let time = Timestamp(rfc3339: text) {
      visit(time)
    }
  }

  @Test("counters of ends equal the spans, also where deliveries are swapped by one or two places", arguments: seeds)
  func counters(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var deliveries = try Story(seed: seed, days: 4, scale: 0.5).deliveries.map { delivery in
      Delivery(source: "github", received: delivery.time, headers: delivery.headers, body: delivery.body)
    }
    for index in deliveries.indices.dropLast(2) where random.oneIn(4) {
      deliveries.swapAt(index, index + Int.random(in: 1...2, using: &random))
    }
    let within = try CountingStory(deliveries, of: [GitHubSource()], batchSize: 50)
    #expect(within.counted == within.spans)
    #expect(within.correctionCount == 0)
    #expect(within.spans.values.reduce(0, +) > 100)
    let late = try CountingStory(deliveries, of: [GitHubSource()], pause: 4)
    #expect(late.corrected == late.spans)
    #expect(late.spans == within.spans)
  }

  @Test("the times of a thing never run backwards", arguments: seeds)
  func times(seed: UInt64) throws {
    let story = try Story(seed: seed, days: 8)
    var last: [String: Timestamp] = [:]
    for (event, name) in [
      ("issues", "issue"), ("pull_request", "pull_request"), ("workflow_run", "workflow_run"),
      ("deployment_status", "deployment_status"),
    ] {
      for (_, object) in story.all(event, name) {
        let item = "\(name) \(name == "deployment_status" ? object.text("deployment_url") : String(object.int("id")))"
        let updated = try #require(object.time("updated_at"))
        let created = try #require(object.time("created_at"))
        #expect(created <= updated)
        if let before = last[item] { #expect(before <= updated, "\(item)") }
        last[item] = updated
        if let closed = object.time("closed_at") { #expect(created <= closed && closed <= updated) }
      }
    }
    for (_, run) in story.all("workflow_run", "workflow_run") {
      let started = try #require(run.time("run_started_at"))
      #expect(try #require(run.time("created_at")) <= started)
      #expect(started <= (try #require(run.time("updated_at"))))
    }
    for (_, job) in story.all("workflow_job", "workflow_job", action: "completed") {
      let (created, started, completed) = (job.time("created_at"), job.time("started_at"), job.time("completed_at"))
      #expect(try #require(created) <= #require(started) && #require(started) <= #require(completed))
      var time = try #require(started)
      for step in job.objects("steps") {
        let (begin, end) = (try #require(step.time("started_at")), try #require(step.time("completed_at")))
        #expect(time <= begin && begin <= end, "\(job.text("name")): \(step.text("name"))")
        time = begin
      }
      #expect(time <= (try #require(completed)))
    }
  }

  @Test("every move of a ref begins where the one before ended", arguments: seeds)
  func pushes(seed: UInt64) throws {
    let story = try Story(seed: seed, days: 8)
    let none = String(repeating: "0", count: 40)
    var heads: [String: String] = [:]
    for (body, _) in story.all("push", "") {
      let ref = "\(body.repositoryID) \(body.text("ref"))"
      let (before, after) = (body.text("before"), body.text("after"))
      // The main branch exists before the history starts.
      if heads[ref] != nil || body.text("ref") != "refs/heads/main" { #expect(before == heads[ref] ?? none, "\(ref)") }
      #expect((body["created"] as? Bool) == (before == none))
      #expect((body["deleted"] as? Bool) == (after == none))
      let commits = body.objects("commits").map { $0.text("id") }
      if after != none, !body.text("ref").hasPrefix("refs/tags/") { #expect(commits.last == after) }
      #expect(body.object("head_commit")["id"] as? String == (after == none ? nil : after))
      #expect(body.object("repository")["pushed_at"] is Int)
      heads[ref] = after == none ? nil : after
    }
  }

  @Test("whatever is named was there before", arguments: seeds)
  func references(seed: UInt64) throws {
    let story = try Story(seed: seed, days: 8)
    var known: Set<String> = []
    var commits: Set<String> = []
    for (delivery, body) in zip(story.deliveries, story.bodies) {
      let repository = body.repositoryID
      let action = body.text("action")
      func introduce(_ kind: String, _ id: Int) {
        #expect(known.insert("\(repository) \(kind) \(id)").inserted, "\(kind) \(id) twice")
      }
      func expect(_ kind: String, _ id: Int) { #expect(known.contains("\(repository) \(kind) \(id)"), "no \(kind) \(id)") }
      func expectChanges(of object: [String: Any]) {
        for change in object.objects("pull_requests") {
          expect("pull_request", change.int("number"))
          #expect(commits.contains(change.object("head").text("sha")))
        }
      }
      switch delivery.kind {
      case "push": commits.formUnion(body.objects("commits").map { $0.text("id") })
      case "issues", "sub_issues", "issue_comment":
        for name in ["issue", "sub_issue", "parent_issue"] where body[name] != nil {
          let issue = body.object(name)
          if action == "opened" { introduce("issue", issue.int("number")) }
          expect(issue["pull_request"] == nil ? "issue" : "pull_request", issue.int("number"))
        }
      case "pull_request", "pull_request_review":
        let change = body.object("pull_request")
        if action == "opened" { introduce("pull_request", change.int("number")) }
        expect("pull_request", change.int("number"))
        #expect(commits.contains(change.object("head").text("sha")))
        if change["merged"] as? Bool == true { #expect(commits.contains(change.text("merge_commit_sha"))) }
        if delivery.kind == "pull_request_review" {
          #expect(commits.contains(body.object("review").text("commit_id")))
        } else if action == "closed", let issue = change.text("body").firstMatch(of: /(?:Fixes|Closes|Resolves) #(\d+)/) {
          expect("issue", Int(issue.output.1) ?? 0)
        }
      case "workflow_run":
        let run = body.object("workflow_run")
        if action == "requested", run.int("run_attempt") == 1 { introduce("run", run.int("id")) }
        if action == "requested" { introduce("attempt \(run.int("id"))", run.int("run_attempt")) }
        expect("attempt \(run.int("id"))", run.int("run_attempt"))
        expectChanges(of: run)
      case "workflow_job":
        let job = body.object("workflow_job")
        if action == "queued" || job.text("conclusion") == "skipped" { introduce("job", job.int("id")) }
        expect("job", job.int("id"))
        expect("attempt \(job.int("run_id"))", job.int("run_attempt"))
      case "check_run":
        if action == "created" { introduce("job", body.object("check_run").int("id")) }
        expect("job", body.object("check_run").int("id"))
        expectChanges(of: body.object("check_run"))
      case "deployment", "deployment_status":
        let deployment = body.object("deployment")
        if delivery.kind == "deployment" { introduce("deployment", deployment.int("id")) }
        expect("deployment", deployment.int("id"))
        expect("run", body.object("workflow_run").int("id"))
      case "status": #expect(commits.contains(body.text("sha")))
      case "merge_group": #expect(commits.contains(body.object("merge_group").text("head_sha")))
      case "check_suite", "release", "create", "delete": break
      default: Issue.record("unexpected \(delivery.kind)")
      }
      #expect(body.object("organization").text("login") == "harbour")
      #expect(!body.object("sender").text("login").isEmpty)
    }
  }

  @Test("main moves to what is merged, and deploys take what is on main", arguments: seeds)
  func merges(seed: UInt64) throws {
    let story = try Story(seed: seed, days: 8)
    let mains = Set(
      story.all("push", "").filter { $0.body.text("ref") == "refs/heads/main" }.map { $0.body.text("after") })
    let merged = story.all("pull_request", "pull_request", action: "closed").filter { $0.object["merged"] as? Bool == true }
    #expect(Set(merged.map { $0.object.text("merge_commit_sha") }) == mains)
    for (_, deployment) in story.all("deployment", "deployment") { #expect(mains.contains(deployment.text("sha"))) }
    for (_, group) in story.all("merge_group", "merge_group", action: "destroyed") {
      #expect(group.text("head_ref").hasPrefix("refs/heads/gh-readonly-queue/main/pr-"))
    }
  }

  @Test("people sleep", arguments: seeds)
  func sleep(seed: UInt64) throws {
    let story = try Story(seed: seed)
    let own = zip(story.deliveries, story.bodies).filter { delivery, body in
      ["issues", "pull_request_review", "issue_comment"].contains(delivery.kind) && body.object("sender").text("type") == "User"
    }
    let nightly = own.count { ($0.0.time.seconds % 86_400) / 3600 < 5 }
    #expect(nightly == 0)
    #expect(own.count > 50)
  }
}
