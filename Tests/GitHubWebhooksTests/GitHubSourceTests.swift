import Foundation
import GitHubWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("GitHub source")
struct GitHubSourceTests {
  static let received = Timestamp(rfc3339: "2024-03-10T00:00:00Z") ?? .epoch

  static let fixtures = PayloadFixture.all(besideTest: #filePath)
  static let samples = PayloadFixture.samples(of: fixtures, by: source, delivery: delivery)

  static let source = GitHubSource(
    rules: GitHubRules(deployWorkflows: [.init(pattern: NamePattern("deploy *"), environment: "production")]))

  static func delivery(_ fixture: PayloadFixture) throws -> Delivery {
    Delivery(
      source: "github", received: received,
      headers: ["X-GitHub-Event": fixture.type, "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"],
      body: try fixture.body())
  }

  static func delivery(_ name: String) throws -> Delivery {
    try delivery(PayloadFixture(name, besideTest: #filePath))
  }

  @Test("A payload becomes the recorded events", arguments: fixtures)
  func mapping(fixture: PayloadFixture) throws {
    fixture.expect(try Self.source.events(in: try Self.delivery(fixture)))
  }

  @Test("A payload tells its type where nothing else does, unless it looks like others", arguments: fixtures)
  func inferredType(fixture: PayloadFixture) throws {
    let isTold = !["star", "repository"].contains(fixture.type)
    #expect(GitHubEventType.inferred(fromBody: try fixture.body()) == (isTold ? fixture.type : nil))
  }

  @Test(
    "What others send is no payload of GitHub's",
    arguments: [
      "", "[]", #"{"issue": {"id": 1}}"#, #"{"object_kind": "push", "ref": "a", "before": "b", "after": "c", "repository": {}}"#,
      #"{"webhookEvent": "jira:issue_updated", "issue": {}, "comment": {}, "repository": {}}"#,
    ])
  func foreignType(body: String) {
    #expect(GitHubEventType.inferred(fromBody: Array(body.utf8)) == nil)
  }

  // MARK: Exact classic tags

  static func classicTags(_ name: String) throws -> [String: AttributeValue] {
    guard case .events(let events, _) = try GitHubSource().events(in: try delivery(name)) else { return [:] }
    let tags = events.flatMap(\.attributes).filter { $0.vocabulary == .classic }
    return Dictionary(tags.map { ($0.name, $0.value) }) { first, _ in first }
  }

  @Test("The classic tags of an issue")
  func classicIssueTags() throws {
    #expect(
      try Self.classicTags("issues.opened") == [
        "service": "github", "scm.repository.id": 197_483_389,
        "scm.repository.url": "https://api.github.com/repos/acme/site", "scm.repository.name": "site",
        "scm.repository.full_name": "acme/site", "scm.repository.private": true, "issue.project.name": "site",
        "issue.number": 36, "issue.url": "https://api.github.com/repos/acme/site/issues/36", "issue.comments_count": 2,
        "user.name": "", "user.id": 501, "user.url": "https://api.github.com/users/rosa",
      ])
  }

  @Test("The classic tags of a sparse issue: a group only with its object, absent members empty")
  func classicSparseIssueTags() throws {
    #expect(
      try Self.classicTags("issues.sparse") == [
        "service": "github", "scm.repository.id": 0, "scm.repository.url": "", "scm.repository.name": "site",
        "scm.repository.full_name": "", "scm.repository.private": false, "issue.project.name": "site", "issue.number": 7,
        "issue.url": "", "issue.comments_count": 0,
      ])
  }

  @Test("The classic tags of a pull request")
  func classicPullRequestTags() throws {
    #expect(
      try Self.classicTags("pull_request.opened") == [
        "service": "github", "user.name": "Ines", "user.id": 502, "user.url": "https://api.github.com/users/ines",
        "scm.head.label": "acme:vstrace-github-issue-site-36-fix", "scm.head.ref": "vstrace-github-issue-site-36-fix",
        "scm.head.sha": .string(String(repeating: "a", count: 40)), "scm.base.label": "acme:main", "scm.base.ref": "main",
        "scm.base.sha": .string(String(repeating: "b", count: 40)), "scm.base.repo.id": 197_483_389,
        "scm.base.repo.name": "site", "scm.base.repo.full_name": "acme/site", "scm.base.repo.private": false,
        "scm.repository.url": "https://api.github.com/repos/acme/site", "scm.repository.name": "site",
        "scm.repository.full_name": "acme/site", "scm.repository.private": false,
      ])
  }

  @Test("The classic tags of a sparse pull request")
  func classicSparsePullRequestTags() throws {
    #expect(
      try Self.classicTags("pull_request.sparse") == [
        "service": "github", "scm.head.label": "", "scm.head.ref": "vstrace-github-issue-site-7", "scm.head.sha": "",
      ])
  }

  // MARK: Contract

  static func contract(_ fixture: PayloadFixture) throws -> EventSourceContract {
    let secrets = ["first secret", "second secret"].compactMap(Secret.init)
    return EventSourceContract(
      source: GitHubSource(), signedSource: GitHubSource(secrets: secrets), sample: try delivery(fixture)
    ) { body in
      let code = SwiftMessageAuthenticator().authenticationCode(.sha256, of: body, key: secrets[0].bytes)
      return [("X-Hub-Signature-256", "sha256=" + Hex.text(of: code))]
    }
  }

  @Test("Every type of event that Docs/sources/github.md says is understood has a payload here")
  func sampled() {
    #expect(
      Self.samples.map(\.type) == [
        "check_run", "check_suite", "create", "delete", "deployment", "deployment_status", "issue_comment", "issues",
        "merge_group", "pull_request", "pull_request_review", "pull_request_review_comment", "push", "release", "repository",
        "status", "sub_issues", "workflow_job", "workflow_run",
      ])
  }

  @Test("Docs/sources/github.md says what becomes of each event that a webhook sends, and names no other")
  func documented() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("Docs/sources/github.md"), encoding: .utf8)
    let table = try #require(page.components(separatedBy: "\n\n").first { $0.hasPrefix("| event | becomes |") })
    let names = table.split(separator: "\n").flatMap { row in
      (row.split(separator: "|").first ?? "").matches(of: /`([a-z_]+)`/).map { String($0.output.1) }
    }
    #expect(Set(names) == Set(GitHubSource.hookEvents + ["ping"]))
  }

  @Test("Signatures are checked over every byte")
  func signatures() throws {
    try Self.contract(PayloadFixture("issues.opened", besideTest: #filePath)).checkSignatures()
  }

  @Test("GitHub's published signature is accepted, also while secrets rotate")
  func publishedVector() throws {
    let secrets = ["new secret", "It's a Secret to Everybody"].compactMap(Secret.init)
    let delivery = Delivery(
      source: "github", received: Self.received,
      headers: ["X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"],
      body: Array("Hello, World!".utf8))
    #expect(throws: Never.self) {
      try GitHubSource(secrets: secrets).authenticate(delivery, using: SwiftMessageAuthenticator())
    }
  }

  @Test("The contract of sources", arguments: samples)
  func contract(fixture: PayloadFixture) throws {
    let contract = try Self.contract(fixture)
    try contract.checkReading()
  }

  @Test("A payload in a form is the same payload")
  func form() throws {
    let json = try Self.delivery("issues.opened")
    var form = json
    let allowed = CharacterSet.alphanumerics
    let text = String(decoding: json.body, as: UTF8.self)
    let encoded = text.addingPercentEncoding(withAllowedCharacters: allowed)?.replacing("%20", with: "+") ?? ""
    form.body = Array("payload=\(encoded)".utf8)
    form.headers["Content-Type"] = "application/x-www-form-urlencoded"
    #expect(try GitHubSource().events(in: form) == GitHubSource().events(in: json))
  }

  @Test("A delivery without an event type is refused, naming the header")
  func missingEventType() throws {
    var delivery = try Self.delivery("issues.opened")
    delivery.headers["X-GitHub-Event"] = nil
    let error = #expect(throws: PayloadError.self) { try GitHubSource().events(in: delivery) }
    #expect(error?.code == .missingIdentity)
    #expect(error?.reason.contains("X-GitHub-Event") == true)
  }

  @Test("The path of what is missing is named")
  func missingNumber() throws {
    var delivery = try Self.delivery("issues.opened")
    delivery.body = Array(#"{"action":"opened","issue":{"number":"36"},"repository":{"name":"site"}}"#.utf8)
    let error = #expect(throws: PayloadError.self) { try GitHubSource().events(in: delivery) }
    #expect(error == PayloadError(.missingIdentity, path: "$.issue.number", reason: "expected a whole number, found a text"))
  }
}
