import CDEvents
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks the spans that result from several events in any order.
@Suite("CDEvents stories")
struct CDEventsStoryTests {
  static func story(_ names: [String], seed: UInt64) throws -> DeliveryStory {
    try story(names.map { try CDEventsSourceTests.delivery($0) }, seed: seed)
  }

  /// For seeds above 0, shuffles the deliveries and repeats some of them.
  static func story(_ deliveries: [Delivery], seed: UInt64) throws -> DeliveryStory {
    var random = SeededRandom(seed: seed)
    return try DeliveryStory(
      deliveries + deliveries.filter { _ in seed > 0 && random.oneIn(3) }, of: CDEventsSourceTests.source, seed: seed)
  }

  static let digest = "0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"
  static let release = "release:pkg%3Aoci%2Fharbour-site@sha256%3A\(digest)"

  @Test("From a ticket to the incident, tied by links, by what contains what, and by the artifact", arguments: UInt64(0)..<40)
  func links(seed: UInt64) throws {
    let story = try Self.story(
      [
        "ticket.created", "ticket.updated", "change.created", "change.updated", "change.reviewed", "change.merged",
        "pipelinerun.queued", "pipelinerun.started", "taskrun.started", "custom.paused", "taskrun.finished", "build.queued",
        "build.started", "build.finished", "artifact.packaged", "artifact.signed", "artifact.published",
        "pipelinerun.finished", "environment.created", "testsuiterun.queued", "testsuiterun.started", "testcaserun.queued",
        "testcaserun.skipped", "testcaserun.started", "testcaserun.finished", "testoutput.published", "testsuiterun.finished",
        "environment.modified", "environment.deleted", "artifact.downloaded", "service.deployed", "incident.detected",
        "ticket.incident", "incident.reported", "incident.resolved", "ticket.closed",
      ], seed: seed)
    #expect(
      story.tree == [
        "incident:incident-7 11:20:00 to 11:55:00 completed under deployment:610943e3-c969-5489-b5e9-9ba49ca7ca6f by vendor_link",
        "build:image-88 13:04:01 to 13:08:00 success under pipelinerun:site-ci-701 by explicit_id",
        "job:site-ci-701-compile 13:01:10 to 13:04:00 success under pipelinerun:site-ci-701 by vendor_link",
        "pipelinerun:site-ci-701 13:00:05 to 13:10:00 success under pull_request:12 by explicit_id",
        "\(Self.release) 13:08:05 to 13:09:00 success under build:image-88 by explicit_id",
        "testcaserun:auth-9-login 13:20:31 to 13:21:00 success under testsuiterun:auth-9 by vendor_link",
        "testcaserun:auth-9-logout 13:20:32 to 13:20:32 skip under testsuiterun:auth-9 by vendor_link",
        "testsuiterun:auth-9 13:20:00 to 13:25:00 failure under pipelinerun:site-ci-701 by explicit_id",
        "deployment:610943e3-c969-5489-b5e9-9ba49ca7ca6f 11:00:00 to 11:00:00 success under \(Self.release) by vendor_link",
        "environment:preview-12 13:15:00 to 18:00:00 completed under pipelinerun:site-ci-701 by explicit_id",
        "pull_request:12 10:00:00 to 13:00:00 merged under issue:TP-36 by explicit_id",
        "issue:TP-36 09:00:00 to 12:00:00 completed", "issue:TP-40 11:25:00 to ? open",
      ])
    let apart = try #require(story.spans.last)
    #expect(Set(story.spans.dropLast().map(\.traceID)).count == 1)
    #expect(apart.span.operation == .incident, "the ticket of the incident")
    #expect(
      story.spans.first { $0.span.operation == .incident }?.links == [
        TracedLink(
          key: apart.span.key, traceID: apart.traceID, spanID: apart.span.id, rule: "ticket", name: apart.span.name)
      ])
    #expect(story.phases(of: "pipelinerun:site-ci-701") == ["queue 13:00:05 to 13:01:00", "run 13:01:00 to 13:10:00"])
    #expect(story.span("pipelinerun:site-ci-701")?.events.map(\.name) == ["paused"])
    #expect(story.span("pull_request:12")?.events.map(\.name) == ["synchronize", "review"])
    #expect(story.span("testcaserun:auth-9-login")?.events.map(\.name) == ["output"])
    #expect(story.span(Self.release)?.events.map(\.name) == ["packaged", "signed", "published", "downloaded"])
  }

  @Test("A chain without any links is one trace: each thing below the nearest above it", arguments: UInt64(0)..<40)
  func chain(seed: UInt64) throws {
    let names = ["ticket", "change", "run", "build", "suite", "artifact", "deploy", "incident"]
    let story = try Self.story(names.map { "chain.\($0)" }, seed: seed)
    #expect(
      story.tree.map { $0.replacing(/\ [0-9:]+ to .*(?= under)/, with: "") } == [
        "incident:incident-8 under deployment:072caff8-3f90-5244-8668-0d4ccd5db727 by vendor_link",
        "build:image-90 under pipelinerun:site-ci-720 by vendor_link",
        "pipelinerun:site-ci-720 under pull_request:20 by vendor_link",
        "release:pkg%3Anpm%2F@harbour%2Fgift@2.0.0 under build:image-90 by vendor_link",
        "testsuiterun:auth-10 under pipelinerun:site-ci-720 by vendor_link",
        "deployment:072caff8-3f90-5244-8668-0d4ccd5db727 under release:pkg%3Anpm%2F@harbour%2Fgift@2.0.0 by vendor_link",
        "pull_request:20 under issue:TP-50 by vendor_link", "issue:TP-50 09:00:00 to ? open",
      ])
    let chain = SubjectKey(
      source: "cdevents", host: "", container: "", kind: "chain", id: "7ff3f526-1a0e-4d35-8a4c-7d6295e97359")
    #expect(Set(story.spans.map(\.traceID)) == [TraceID(root: chain)])
  }

  @Test("Two runs of a chain do not decide whose the build is: it hangs from what is above both", arguments: UInt64(0)..<20)
  func undecided(seed: UInt64) throws {
    let story = try Self.story(["chain.change", "chain.run", "chain.second_run", "chain.build"], seed: seed)
    #expect(
      story.tree.filter { !$0.contains("under pull_request:20") }.map { $0.prefix { $0 != " " } } == ["pull_request:20"])
    let roots = try Self.story(["chain.run", "chain.second_run", "chain.build"], seed: seed)
    #expect(roots.spans.allSatisfy { $0.parentSpanID == nil })
    #expect(Set(roots.spans.map(\.traceID)).count == 1, "without anything above them they are one trace all the same")
  }

  @Test("A deploy hangs from what its artifact was made of, as long as nobody publishes the artifact", arguments: UInt64(0)..<12)
  func unpublished(seed: UInt64) throws {
    let story = try Self.story(
      ["change.merged", "artifact.packaged", "artifact.signed", "service.deployed", "custom.scanned"], seed: seed)
    #expect(
      story.tree == [
        "deployment:610943e3-c969-5489-b5e9-9ba49ca7ca6f 11:00:00 to 11:00:00 success under pull_request:12 by vendor_link",
        "pull_request:12 13:00:00 to 13:00:00 merged",
      ])
    let published = try Self.story(["pipelinerun.finished", "artifact.published", "artifact.deleted"], seed: seed)
    #expect(
      published.tree.last == "\(Self.release) 13:09:00 to 13:09:00 success under pipelinerun:site-ci-701 by explicit_id",
      "that it was packaged was missed")
    let commit = try Self.story(["change.merged", "artifact.of_commit", "service.upgraded"], seed: seed)
    #expect(commit.tree.first?.hasSuffix("under pull_request:12 by vendor_link") == true, "the artifact names the commit")
  }

  @Test("A link on its own ties as one within an event does, whichever comes first", arguments: UInt64(0)..<12)
  func linkAlone(seed: UInt64) throws {
    let silent = try CDEventsSourceTests.delivery("pipelinerun.queued").replacing(["\"TRIGGER\"": "\"OTHER\""])
    let others = try ["change.merged", "pipelinerun.started", "link.start", "link.relation"].map {
      try CDEventsSourceTests.delivery($0)
    }
    let story = try Self.story(others + [silent, try CDEventsSourceTests.delivery("link.path")], seed: seed)
    #expect(
      story.tree == [
        "pipelinerun:site-ci-701 13:00:05 to ? open under pull_request:12 by explicit_id",
        "pull_request:12 13:00:00 to 13:00:00 merged",
      ])
    #expect(try Self.story(others + [silent], seed: seed).spans.allSatisfy { $0.parentSpanID == nil })
  }

  @Test("The end of a run does not say where it belongs, if its beginning did", arguments: UInt64(0)..<12)
  func beginnings(seed: UInt64) throws {
    let queued = try CDEventsSourceTests.delivery("pipelinerun.queued")
    let failed = try CDEventsSourceTests.delivery("pipelinerun.failed").replacing(["site-ci-700": "site-ci-701"])
    let names = ["change.merged", "ticket.created", "change.created", "pipelinerun.started"]
    let story = try Self.story(try names.map { try CDEventsSourceTests.delivery($0) } + [queued, failed], seed: seed)
    #expect(story.span("pipelinerun:site-ci-701")?.outcome == .failure)
    #expect(story.tree.first { $0.hasPrefix("pipelinerun") }?.hasSuffix("under pull_request:12 by explicit_id") == true)
  }

  @Test("Rollbacks are deploys of their own; an incident is that of the deploy of its artifact", arguments: UInt64(0)..<12)
  func deploys(seed: UInt64) throws {
    let story = try Self.story(
      ["service.deployed", "service.rolledback", "service.upgraded", "incident.detected"], seed: seed)
    let kinds = story.spans.filter { $0.span.operation == .deploy }.map {
      $0.span.attributes.value(of: "valuestream.deployment.kind")
    }
    #expect(Set(kinds) == ["deployed", "upgraded", "rolledback"])
    #expect(
      story.tree.first { $0.hasPrefix("incident") }?
        .hasSuffix("under deployment:610943e3-c969-5489-b5e9-9ba49ca7ca6f by vendor_link") == true)
  }

  @Test(
    "Deployed again, an artifact is that of the last deploy before the incident; a rollback is not below what it left",
    arguments: UInt64(0)..<20)
  func redeployed(seed: UInt64) throws {
    let deployed = try CDEventsSourceTests.delivery("service.deployed")
    let again = try deployed.replacing([
      "610943e3-c969-5489-b5e9-9ba49ca7ca6f": "again", "2024-03-06T11:00:00Z": "2024-03-06T11:10:00Z",
    ])
    let after = try deployed.replacing([
      "610943e3-c969-5489-b5e9-9ba49ca7ca6f": "after", "2024-03-06T11:00:00Z": "2024-03-26T11:10:00Z",
    ])
    let story = try Self.story([deployed, again, after, try CDEventsSourceTests.delivery("incident.detected")], seed: seed)
    #expect(
      story.tree.contains { $0.hasPrefix("incident") && $0.hasSuffix("under deployment:again by vendor_link") }, "\(story.tree)")
    let chain = try ["change", "artifact"].map { try CDEventsSourceTests.delivery("chain.\($0)") }
    let back = try CDEventsSourceTests.delivery("chain.deploy").replacing(["service.deployed": "service.rolledback"])
    let rolledBack = try Self.story(chain + [back], seed: seed)
    #expect(rolledBack.tree.contains { $0.hasPrefix("deployment") && $0.contains("under pull_request:20") }, "\(rolledBack.tree)")
  }

  @Test("Ids of events are those of their source: two senders may both count from 1", arguments: UInt64(0)..<12)
  func eventIDs(seed: UInt64) throws {
    func event(_ sender: String, _ id: Int, _ type: String, _ subject: String, links: String = "") -> Delivery {
      CDEventsSourceTests.delivery(
        body: """
          {"context": {"specversion": "0.5.1", "id": "\(id)", "source": "https://\(sender).example", "type": "dev.cdevents.\(type).0.3.0",
           "timestamp": "2024-03-06T11:0\(id):00Z", "links": [\(links)]}, "subject": {"id": "\(subject)", "content": {}}}
          """)
    }
    let link = #"{"linkType": "PATH", "from": {"contextId": "1"}}"#
    let story = try Self.story(
      ["one", "two"].flatMap { sender in
        [event(sender, 1, "change.created", "\(sender)-1"), event(sender, 2, "pipelinerun.started", "\(sender)-2", links: link)]
      }, seed: seed)
    for sender in ["one", "two"] {
      #expect(
        story.tree.contains { $0.hasPrefix("pipelinerun:\(sender)-2") && $0.contains("under pull_request:\(sender)-1 ") },
        "\(story.tree)")
    }
  }

  @Test("Incidents by type, tickets that were not done, what failed and was cancelled")
  func kinds() throws {
    #expect(try Self.story(["ticket.incident"], seed: 0).spans.map(\.span.operation) == [.incident])
    #expect(try Self.story(["ticket.incident", "ticket.wontfix"], seed: 0).spans.map(\.span.operation) == [.issue, .incident])
    #expect(try Self.story(["ticket.wontfix"], seed: 0).spans.map(\.span.outcome) == [.notPlanned])
    #expect(try Self.story(["change.abandoned"], seed: 0).spans.map(\.span.outcome) == [.abandoned])
    #expect(try Self.story(["taskrun.cancelled"], seed: 0).spans.map(\.span.outcome) == [.cancellation])
    #expect(try Self.story(["pipelinerun.failed"], seed: 0).spans.map(\.span.outcome) == [.failure])
  }
}
