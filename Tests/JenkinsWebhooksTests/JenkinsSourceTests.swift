import Foundation
import JenkinsWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Jenkins source")
struct JenkinsSourceTests {
  static let received = Timestamp(rfc3339: "2024-03-10T00:00:00Z") ?? .epoch
  static let source = JenkinsSource()
  static let fixtures = PayloadFixture.all(besideTest: #filePath)
  static let samples = PayloadFixture.samples(of: fixtures, by: source, delivery: delivery)

  static func delivery(_ fixture: PayloadFixture) throws -> Delivery {
    Delivery(source: "jenkins", received: received, headers: ["Content-Type": "application/json"], body: try fixture.body())
  }

  static func delivery(_ name: String) throws -> Delivery {
    try delivery(PayloadFixture(name, besideTest: #filePath))
  }

  static func delivery(body: String) -> Delivery {
    Delivery(source: "jenkins", received: received, headers: [:], body: Array(body.utf8))
  }

  @Test("A payload becomes the recorded events", arguments: fixtures)
  func mapping(fixture: PayloadFixture) throws {
    fixture.expect(try Self.source.events(in: try Self.delivery(fixture)))
  }

  @Test("Every kind of payload that Docs/sources/jenkins.md says is understood has one here")
  func sampled() {
    #expect(Self.samples.map(\.type) == ["checkout", "notification", "queue", "run", "statistics", "step"])
  }

  @Test("Durations that nobody can mean are none", arguments: ["1e300", "-1e300", "1e19", "1e400", "9223372036854775807"])
  func senselessDurations(duration: String) throws {
    let body = """
      {"number": 1, "jobName": "a", "startTime": 1, "result": "SUCCESS", "queueTime": \(duration), "duration": \(duration)}
      """
    guard case .events(let events, _)? = try? Self.source.events(in: Self.delivery(body: body)) else { return }
    for event in events {
      let times = event.marks.map(\.time.timestamp) + event.phases.flatMap { [$0.start, $0.end].compactMap { $0 } }
      #expect(times.allSatisfy { $0 <= Self.received && $0 > .epoch })
    }
  }

  // MARK: Contract

  @Test("The contract of sources", arguments: samples)
  func contract(fixture: PayloadFixture) throws {
    let secrets = ["first secret", "second secret"].compactMap(Secret.init)
    let contract = EventSourceContract(
      source: Self.source, signedSource: JenkinsSource(secrets: secrets), sample: try Self.delivery(fixture)
    ) { _ in [("Authorization", "Bearer first secret")] }
    try contract.checkReading()
  }

  // MARK: Tokens

  static func check(_ headers: HTTPHeaders, secrets: [String] = ["old", "s3:cret"]) -> AuthenticationError.Code? {
    var delivery = delivery(body: "{}")
    delivery.headers = headers
    do throws(AuthenticationError) {
      try JenkinsSource(secrets: secrets.compactMap(Secret.init)).authenticate(delivery, using: SwiftMessageAuthenticator())
      return nil
    } catch {
      return error.code
    }
  }

  @Test("A token is taken as password, bearer or header; anything else is refused")
  func tokens() {
    func basic(_ text: String) -> HTTPHeaders { ["Authorization": "Basic \(Data(text.utf8).base64EncodedString())"] }
    #expect(Self.check(basic("jenkins:s3:cret")) == nil)
    #expect(Self.check(basic(":old")) == nil)
    #expect(Self.check(["authorization": "bearer s3:cret"]) == nil)
    #expect(Self.check(["X-VS-Token": "old"]) == nil)
    #expect(Self.check([:]) == .missing)
    #expect(Self.check(["X-VS-Token": ""]) == .missing)
    for headers: HTTPHeaders in [
      basic("s3:wrong"), basic("s3"), basic("old:"), ["Authorization": "Basic ***"], ["Authorization": "Digest old"],
      ["Authorization": "old"], ["X-VS-Token": "s3"], ["Authorization": "Bearer olds"],
    ] {
      #expect(Self.check(headers) != nil, "\(headers)")
    }
    #expect(Self.check([:], secrets: []) == nil)
    #expect(!Self.source.keptHeaders.contains { ["authorization", "x-vs-token"].contains($0.lowercased()) })
  }

  @Test("The error of a wrong token names the header that showed it", arguments: ["X-VS-Token", "Authorization"])
  func wrongToken(header: String) throws {
    let source = JenkinsSource(secrets: try [#require(Secret("right"))])
    var delivery = try Self.delivery("statistics.start")
    delivery.headers[header] = header == "Authorization" ? "Bearer wrong" : "wrong"
    #expect(throws: AuthenticationError(.mismatch, header: header)) {
      try source.authenticate(delivery, using: SwiftMessageAuthenticator())
    }
  }

  // MARK: Cases that the shape of a payload does not decide

  @Test("Only a payload with a time in it is the same when it comes twice")
  func repetition() throws {
    #expect(Self.source.deliveryID(of: try Self.delivery("statistics.start")) != nil)
    #expect(Self.source.deliveryID(of: try Self.delivery("notification.started")) != nil)
    var generic = try Self.delivery("run.started")
    #expect(Self.source.deliveryID(of: generic) != nil)
    generic.headers["X-Event-Type"] = "run.started"
    let id = try #require(Self.source.deliveryID(of: generic))
    #expect(String(decoding: generic.body, as: UTF8.self).contains("\"id\": \"\(id)\""), "the plugin's own id")
    #expect(Self.source.deliveryID(of: try Self.delivery("statistics.sparse")) == nil)
    #expect(Self.source.deliveryID(of: Self.delivery(body: "")) == nil)
  }

  @Test("Secrets among the parameters are masked, in every form of payload", arguments: ["statistics.start", "run.started"])
  func masking(name: String) throws {
    let events = try Self.source.events(in: try Self.delivery(name)).requireEvents()
    let shown = events.flatMap(\.attributes).map { "\($0)" }.joined()
    for secret in ["hunter2", "abc", "hush"] { #expect(!shown.contains("\"\(secret)\""), "\(secret)") }
    #expect(shown.contains("***"))
    if name == "statistics.start" { #expect(shown.contains("wild")) }
  }

  @Test("Common names of secrets, and addresses with one")
  func hidden() throws {
    let delivery = try Self.delivery("statistics.start").replacing([
      "\"count\": 3": """
      "DB_PASS": "open1", "BASIC_AUTH": "open2", "githubPat": "open3", "passenger": "shown", "Tokens": "open5", "DBPASSWORD": "open6",
      "awsAccessKeyId": "open7"
      """,
      "https://git.harbour.example/": "https://bot:open4@git.harbour.example/",
    ])
    let attributes = try Self.source.events(in: delivery).requireEvents().flatMap(\.attributes)
    let text = attributes.map { "\($0)" }.joined()
    #expect(!text.contains("open"), "\(text)")
    #expect(text.contains("shown"))
    #expect(attributes.value(of: "vcs.repository.url.full") == "https://git.harbour.example/shop/site")
    #expect(attributes.value(of: "scm.head.url", in: .classic) == "https://git.harbour.example/shop/site.git")
  }

  @Test("An end that says less of a deploy than its start makes no build of it", arguments: ["{}", #"{"goal":"x"}"#])
  func forgetfulEnd(parameters: String) throws {
    let end = try Self.delivery("statistics.deployed").replacing([
      "\"number\": 17": "\"number\": 17, \"parameters\": \(parameters)"
    ])
    for seed: UInt64 in 0..<4 {
      let story = try DeliveryStory([try Self.delivery("statistics.deploy"), end], of: Self.source, seed: seed)
      #expect(story.spans.map(\.span.operation) == [.deploy])
    }
    #expect(try DeliveryStory([end], of: Self.source, seed: 0).spans.map(\.span.operation) == [.build])
  }

  static func event(_ name: String, _ rules: JenkinsRules) throws -> Event? {
    try JenkinsSource(rules: rules).events(in: try delivery(name)).requireEvents().first
  }

  @Test("What the user says: deploying jobs, environments, unstable builds, the server's address")
  func rules() throws {
    #expect(try Self.event("statistics.no_branch", JenkinsRules(unstable: .success))?.outcome == .success)
    #expect(try Self.event("statistics.no_branch", JenkinsRules())?.outcome == .failure)
    for pattern in ["shop/site", "SITE", "s?te", "*/site"] {
      let rules = JenkinsRules(deployJobs: [NamePattern(pattern)])
      #expect(try Self.event("run.started", rules)?.operation == .deploy, "\(pattern)")
    }
    let other = try #require(try Self.event("run.started", JenkinsRules(deployJobs: [NamePattern("shop")])))
    #expect(other.operation ?? other.usualOperation == .build)
    let named = JenkinsRules(environmentParameters: ["stage", "goal"], serviceParameters: ["monkey"])
    let attributes = try #require(try Self.event("statistics.start", named)?.attributes)
    #expect(attributes.value(of: "deployment.environment.name") == "test")
    #expect(attributes.value(of: "valuestream.service") == "wild")
    #expect(
      try Self.event("run.started", JenkinsRules(host: "ci.harbour.example"))?.key.description
        == "jenkins:ci.harbour.example:shop%2Fsite:build:252")
  }

  @Test("Paths of what is missing are named")
  func missing() {
    func path(_ body: String) -> String? {
      #expect(throws: PayloadError.self) { try Self.source.events(in: Self.delivery(body: body)) }?.path
    }
    #expect(path(#"{"jobName":"site","number":"252"}"#) == "$.number")
    #expect(path(#"{"number":252}"#) == "$.jobName")
    #expect(path(#"{"build":{"phase":"STARTED"}}"#) == "$.build.number")
    #expect(path(#"{"buildStepId":"x","buildUrl":"aUrl"}"#) == "$.buildUrl")
    #expect(path(#"{"type":"run.started","data":{"_projectName":"x"}}"#) == "$.data.number")
    #expect(path(#"{"_links":{},"stages":[]}"#) == "$")
  }
}
