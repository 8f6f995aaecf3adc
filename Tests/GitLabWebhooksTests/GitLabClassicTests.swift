import GitLabWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks the classic spans row by row against the table that users of the Go ValueStream know.
@Suite("GitLab's classic spans")
struct GitLabClassicTests {
  static func story(_ names: [String]) throws -> ClassicStory {
    try ClassicStory(names.map { try GitLabSourceTests.delivery($0) }, of: GitLabSourceTests.source)
  }

  static let project: [String: AttributeValue] = [
    "service": "gitlab", "project.name": "Harbour Site", "project.namespace": "Harbour",
    "project.path_with_namespace": "harbour/web/site", "project.visibility": "",
  ]

  @Test("An issue: from opened to closed, whatever is updated in between; opened again it is another span")
  func issue() throws {
    let story = try Self.story([
      "issue.open", "issue.update", "issue.update", "note.issue", "issue.close", "issue.update", "issue.close", "issue.reopen",
    ])
    #expect(story.finished.map(\.type) == ["issue"])
    #expect(story.finished.map(\.error) == [false])
    #expect(story.finished.map(\.seconds) == [51 * 3600])
    #expect(story.open == ["issue opened"])
    #expect(
      story.finished[0].tags
        == Self.project.merging([
          "project.url": "git@gitlab.example:harbour/web/site.git", "event.state": "opened", "event.action": "open",
          "scm.repository.url": "git@gitlab.example:harbour/web/site.git", "scm.repository.name": "",
          "scm.repository.full_name": "", "scm.repository.visibility": "", "issue.id": 9036, "issue.number": 36,
          "issue.url": "https://gitlab.example/harbour/web/site/-/issues/36", "issue.branch_name": "",
        ]) { $1 })
  }

  @Test("The milestone of an issue is a tag only where there is one")
  func milestone() throws {
    #expect(try Self.story(["issue.close"]).finished[0].tags["issue.milestone_id"] == nil)
    var delivery = try GitLabSourceTests.delivery("issue.close")
    delivery.body = Array(
      String(decoding: delivery.body, as: UTF8.self).replacing("\"milestone_id\": null", with: "\"milestone_id\": 7").utf8)
    #expect(try ClassicStory([delivery], of: GitLabSourceTests.source).finished[0].tags["issue.milestone_id"] == 7)
  }

  @Test("A merge request: from opened to merged or closed")
  func mergeRequest() throws {
    let story = try Self.story([
      "merge_request.open", "merge_request.ready", "merge_request.push", "merge_request.approved", "merge_request.merge",
      "merge_request.after",
    ])
    #expect(story.finished.map(\.type) == ["pull_request"])
    #expect(story.open.isEmpty)
    #expect(story.finished.map(\.error) == [false])
    #expect(
      story.finished[0].tags
        == Self.project.merging([
          "project.url": "https://gitlab.example/harbour/web/site", "event.state": "opened", "event.action": "open",
          "pull_request.id": 12, "scm.base.label": "discount", "scm.target.label": "main",
        ]) { $1 })
    #expect(try Self.story(["merge_request.close"]).finished.map(\.type) == ["pull_request"], "its start was missed")
  }

  @Test("A pipeline: a span while it waits, a span while it runs")
  func pipeline() throws {
    let story = try Self.story([
      "pipeline.created", "pipeline.pending", "pipeline.running", "pipeline.running", "pipeline.failed",
    ])
    #expect(story.finished.map(\.type) == ["pipeline", "pipeline"])
    #expect(story.finished.map(\.error) == [false, true])
    #expect(story.finished.map(\.seconds) == [50, 485])
    #expect(story.open.isEmpty)
    let own: [String: AttributeValue] = [
      "event.type": "pipeline", "project.id": 15_119_184, "project.url": "https://gitlab.example/harbour/web/site",
      "user.name": "Rosa", "user.username": "rosa", "build.id": 96_963_426, "build.ref": "discount", "build.tag": false,
      "build.sha": .string(String(repeating: "b", count: 40)), "build.before_sha": .string(String(repeating: "a", count: 40)),
      "merge_request.id": 7712, "merge_request.url": "https://gitlab.example/harbour/web/site/-/merge_requests/12",
      "vstrace.span.id": "vstrace-gitlab-build-Harbour Site-96963426",
    ]
    let expected = Self.project.merging(own) { $1 }
    #expect(story.finished[0].tags == expected.merging(["event.state": "pending", "vstrace.state": "start"]) { $1 })
    #expect(story.finished[1].tags == expected.merging(["event.state": "running", "vstrace.state": "transition"]) { $1 })
  }

  @Test(
    "Ends of a pipeline: canceled and skipped are no errors",
    arguments: [("pipeline.child", false), ("pipeline.scheduled", false), ("pipeline.failed", true)])
  func pipelineEnds(name: String, isError: Bool) throws {
    let story = try Self.story([name])
    #expect(story.finished.map(\.error) == [isError])
    #expect(story.finished[0].tags["vstrace.state"] == "end")
    #expect(story.finished[0].tags["merge_request.id"] == (name == "pipeline.failed" ? 7712 : 0))
  }

  @Test("A job: created and pending are one span with the tags of the later, then one while it runs")
  func job() throws {
    let story = try Self.story(["build.created", "build.pending", "build.pending", "build.running", "build.failed"])
    #expect(story.finished.map(\.type) == ["build", "build"])
    #expect(story.finished.map(\.error) == [false, true])
    #expect(story.finished.map(\.seconds) == [50, 480])
    let expected: [String: AttributeValue] = [
      "service": "gitlab", "build.kind": "build", "build.ref": "discount", "build.tag": false,
      "build.sha": .string(String(repeating: "b", count: 40)), "build.je.ore_sha": .string(String(repeating: "a", count: 40)),
      "build.id": 501, "build.name": "test", "build.stage": "test", "build.allow_failure": false,
      "build.project.id": 15_119_184, "build.project.name": "Harbour / Web / Harbour Site", "user.id": 61, "user.name": "Rosa",
      "scm.commit.id": 96_963_426, "scm.commit.sha": .string(String(repeating: "b", count: 40)),
      "scm.commit.status": "running", "scm.commit.author.name": "Rosa",
      "vstrace.span.id": "vstrace-gitlab-build-Harbour / Web / Harbour Site-501",
      "vstrace.parent.id": "vstrace-gitlab-build-Harbour Site-96963426",
    ]
    func tags(_ status: AttributeValue, _ state: AttributeValue) -> [String: AttributeValue] {
      expected.merging(["event.state": status, "build.status": status, "vstrace.state": state]) { $1 }
    }
    #expect(story.finished[0].tags == tags("pending", "start"))
    #expect(story.finished[1].tags == tags("running", "transition"))
  }

  @Test("A manual job that is not started has no classic span; a job allowed to fail has failed")
  func jobEdges() throws {
    #expect(try Self.story(["build.manual"]).open.isEmpty)
    #expect(try Self.story(["build.allowed"]).finished.map(\.error) == [true])
    #expect(try Self.story(["build.running", "build.pending"]).open == ["build running"], "late news restart nothing")
  }

  @Test("A deployment: a span while it runs")
  func deployment() throws {
    let story = try Self.story(["deployment.blocked", "deployment.running", "deployment.success", "deployment.failed"])
    #expect(story.finished.map(\.type) == ["deploy", "deploy"])
    #expect(story.finished.map(\.error) == [false, true])
    #expect(story.open == ["deploy blocked"])
  }

  @Test("Nothing else has a classic span")
  func others() throws {
    let story = try Self.story(["push.branch", "tag_push.created", "note.issue", "note.merge_request", "wiki_page.create"])
    #expect(story.finished.isEmpty)
    #expect(story.open.isEmpty)
  }
}
