import CDEvents
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("CDEvents source")
struct CDEventsSourceTests {
  static let received = Timestamp(rfc3339: "2024-03-20T00:00:00Z") ?? .epoch
  static let source = CDEventsSource()
  static let fixtures = PayloadFixture.all(besideTest: #filePath)
  static let samples = PayloadFixture.samples(of: fixtures, by: source, delivery: delivery)

  static func delivery(_ fixture: PayloadFixture) throws -> Delivery {
    delivery(body: String(decoding: try fixture.body(), as: UTF8.self))
  }

  static func delivery(_ name: String) throws -> Delivery {
    try delivery(PayloadFixture(name, besideTest: #filePath))
  }

  static func delivery(body: String, headers: HTTPHeaders = ["Content-Type": "application/cdevents+json"]) -> Delivery {
    Delivery(source: "cdevents", received: received, headers: headers, body: Array(body.utf8))
  }

  @Test("A payload becomes the recorded events", arguments: fixtures)
  func mapping(fixture: PayloadFixture) throws {
    fixture.expect(try Self.source.events(in: try Self.delivery(fixture)))
  }

  @Test("Every subject that Docs/sources/cdevents.md says is understood has one here")
  func sampled() {
    #expect(
      Self.samples.map(\.type) == [
        "artifact", "bare", "branch", "build", "chain", "change", "custom", "environment", "incident", "link", "pipelinerun",
        "service", "structured", "taskrun", "testcaserun", "testoutput", "testsuiterun", "ticket",
      ])
  }

  @Test("An environment may be an object or a text")
  func environments() throws {
    for environment in [#"{"id":"production"}"#, #""production""#] {
      let delivery = Self.delivery(
        body: """
          {"context":{"version":"0.4.1","id":"e1","source":"/shop/cd","type":"dev.cdevents.service.deployed.0.2.0",\
          "timestamp":"2024-03-04T09:00:00Z"},"subject":{"id":"web","type":"service","content":{"environment":\(environment)}}}
          """)
      let span = try DeliveryStory([delivery], of: Self.source, seed: 0).spans.first?.span
      #expect(span?.attributes.value(of: "deployment.environment.name") == .string("production"), "\(environment)")
    }
  }

  @Test("No time that is absent or zero makes anything longer", arguments: samples)
  func absentTimes(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(Self.source).checkAbsentTimes(try Self.delivery(fixture))
  }

  @Test("Sent again after a year a payload becomes the same", arguments: fixtures)
  func replay(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(Self.source).checkReplay(try Self.delivery(fixture))
  }

  // MARK: Contract

  @Test("The contract of sources", arguments: samples)
  func contract(fixture: PayloadFixture) throws {
    var sample = try Self.delivery(fixture)
    sample.headers = ["Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/somewhere"]
    let contract = EventSourceContract(
      source: Self.source, signedSource: CDEventsSource(secrets: ["a secret"].compactMap(Secret.init)), sample: sample
    ) { _ in [("Authorization", "Bearer a secret")] }
    // A link has no required members (without its ends it links nothing), so the checks on reading do not apply.
    if fixture.type != "link" { try contract.checkReading() }
  }

  // MARK: Tokens

  static func check(_ headers: HTTPHeaders, secrets: [String] = ["old", "new"]) -> AuthenticationError.Code? {
    do throws(AuthenticationError) {
      try CDEventsSource(secrets: secrets.compactMap(Secret.init))
        .authenticate(delivery(body: "{}", headers: headers), using: SwiftMessageAuthenticator())
      return nil
    } catch {
      return error.code
    }
  }

  @Test("A token is taken as bearer or password, any of several; it is required where there is a secret, and never kept")
  func tokens() {
    #expect(Self.check(["Authorization": "Bearer old"]) == nil)
    #expect(Self.check(["authorization": "bearer new"]) == nil)
    #expect(Self.check(["Authorization": "Basic \(Data("x:new".utf8).base64EncodedString())"]) == nil)
    #expect(Self.check([:]) == .missing)
    #expect(Self.check(["Authorization": ""]) == .missing)
    for wrong in ["Bearer ne", "Bearer newer", "Bearer old,new", "new", "Digest new"] {
      #expect(Self.check(["Authorization": wrong]) != nil, "\(wrong)")
    }
    #expect(Self.check([:], secrets: []) == nil)
    #expect(Self.source.acceptsUnsigned)
    #expect(!CDEventsSource(secrets: ["x"].compactMap(Secret.init)).acceptsUnsigned)
    #expect(!Self.source.keptHeaders.contains { $0.lowercased() == "authorization" })
  }

  // MARK: Modes

  /// The attributes of an event's envelope, sent either as headers or as JSON members.
  static let envelope = [
    "specversion": "1.0", "id": "0d06fe42-0f4c-541d-8001-7c8730dc1afd", "source": "/staging/tekton",
    "type": "dev.cdevents.pipelinerun.queued.0.3.0", "subject": "site-ci-701", "time": "2024-03-05T13:00:05Z",
  ]

  static let headers = HTTPHeaders(envelope.map { HTTPHeaders.Field(name: "ce-\($0.key)", value: $0.value) })

  static func structured(_ data: String) -> String {
    "{\(envelope.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",")),\(data)}"
  }

  @Test("An event is the same in every mode")
  func modes() throws {
    let body = String(decoding: try PayloadFixture("pipelinerun.queued", besideTest: #filePath).body(), as: UTF8.self)
    let bare = try Self.source.events(in: Self.delivery(body: body, headers: [:]))
    let encoded = Data(body.utf8).base64EncodedString()
    let text = try String(decoding: JSONSerialization.data(withJSONObject: body, options: .fragmentsAllowed), as: UTF8.self)
    for delivery in [
      Self.delivery(body: body, headers: Self.headers), Self.delivery(body: Self.structured("\"data\":\(body)")),
      Self.delivery(body: Self.structured("\"data_base64\":\"\(encoded)\"")),
      Self.delivery(body: Self.structured("\"datacontentencoding\":\"base64\",\"data\":\"\(encoded)\"")),
      Self.delivery(body: Self.structured("\"data\":\(text)")), Self.delivery(body: "[\(Self.structured("\"data\":\(body)"))]"),
    ] {
      #expect(try Self.source.events(in: delivery) == bare)
      #expect(Self.source.deliveryID(of: delivery) == "/staging/tekton 0d06fe42-0f4c-541d-8001-7c8730dc1afd")
    }
  }

  @Test("What an event does not say of itself its envelope says")
  func headersOnly() throws {
    let body = #"{"subject": {"content": {"pipelineName": "site-ci"}}}"#
    let event = try #require(
      try Self.source.events(in: Self.delivery(body: body, headers: Self.headers)).requireEvents().first)
    #expect(event.key.description == "cdevents::%2Fstaging%2Ftekton:pipelinerun:site-ci-701")
    #expect(event.time == .vendor(Timestamp(rfc3339: "2024-03-05T13:00:05Z") ?? .epoch))
    let encoded: HTTPHeaders = [
      "CE-Id": "1", "CE-Source": "/caf%C3%A9%20x", "CE-Type": "dev.cdevents.pipelinerun.queued.0.3.0", "CE-Subject": "100%",
    ]
    let other = try #require(try Self.source.events(in: Self.delivery(body: body, headers: encoded)).requireEvents().first)
    #expect(other.key.description == "cdevents::%2Fcaf%C3%A9%20x:pipelinerun:100%25")
    #expect(other.time == .receipt(Self.received))
  }

  @Test("A batch is all of its events; one that cannot be read makes the whole unreadable, and names its place")
  func batch() throws {
    let names = ["ticket.created", "change.created", "repository.created", "branch.created"]
    let bodies = try names.map { String(decoding: try Self.delivery($0).body, as: UTF8.self) }
    let batch = Self.delivery(body: "[\(bodies.joined(separator: ","))]")
    let each = try names.map { try Self.source.events(in: try Self.delivery($0)) }
    guard case .events(let events, let updates) = try Self.source.events(in: batch) else {
      Issue.record("ignored")
      return
    }
    #expect(try events == each.prefix(2).flatMap { try $0.requireEvents() })
    #expect(updates.count == 1)
    #expect(Self.source.deliveryID(of: batch)?.hasSuffix(" and 3 more") == true)
    let ignored = Self.delivery(body: "[\(bodies[2]),\(bodies[2])]")
    #expect(try Self.source.events(in: ignored) == .ignored(reason: "a repository, which is no step of delivery"))
    func error(_ body: String) -> PayloadError? {
      #expect(throws: PayloadError.self) { try Self.source.events(in: Self.delivery(body: body)) }
    }
    #expect(error("[\(bodies[0]),{\"context\":{}}]")?.path == "$[1].context.type")
    #expect(error("[1]")?.path == "$[0]")
    #expect(error("[\(Array(repeating: "{}", count: 1001).joined(separator: ","))]")?.reason.contains("at most 1000") == true)
  }

  // MARK: Validation

  @Test("Paths of what is missing are named")
  func missing() {
    func error(_ body: String) -> PayloadError? {
      #expect(throws: PayloadError.self) { try Self.source.events(in: Self.delivery(body: body)) }
    }
    let type = #""type":"dev.cdevents.service.deployed.0.3.0""#
    #expect(error("{}")?.path == "$.context.type")
    #expect(error(#"{"context":{"type":7}}"#)?.reason.hasSuffix("found a number") == true)
    #expect(error("{\"context\":{\(type)}}")?.path == "$.context.source")
    #expect(error("{\"context\":{\(type),\"source\":\"/x\"}}")?.path == "$.subject")
    #expect(error("{\"context\":{\(type),\"source\":\"/x\"},\"subject\":{\"id\":\"\"}}")?.path == "$.subject.id")
    #expect(error("{\"context\":{\(type),\"source\":\"/x\"},\"subject\":{\"id\":\"site\"}}")?.path == "$.context.id")
    let long = String(repeating: "x", count: 1025)
    #expect(error("{\"context\":{\(type),\"source\":\"/x\"},\"subject\":{\"id\":\"\(long)\"}}")?.path == "$.subject.id")
    #expect(error(#"{"specversion":"1.0","data":[]}"#)?.path == "$.data")
    #expect(error(#"{"specversion":"1.0","data_base64":"***"}"#)?.path == "$.data_base64")
    #expect(error(#"{"specversion":"1.0","data":"{"}"#)?.path == "$.data")
    #expect(error(#"{"specversion":"1.0","data":{"context":{}}}"#)?.path == "$.data.context.type")
  }

  @Test(
    "Types are read in any version, and those that are not known are ignored",
    arguments: [
      ("dev.cdevents.pipelinerun.started.9.9.9-draft", true), ("dev.cdevents.pipelineRun.Started", true),
      ("dev.cdevents.taskrun.queued.0.1.0-draft", true), ("dev.cdevents.approval.created.0.1.0", false),
      ("dev.cdevents.change.rebased.1.0.0", false), ("dev.cdeventsx.tool-thing.done.0.1.0", false), ("com.example.thing", false),
      ("dev.cdevents.change", false), ("dev.cdeventsx.thing.done.0.1.0", false),
    ])
  func types(type: String, isKnown: Bool) throws {
    let delivery = Self.delivery(body: #"{"context":{"type":"\#(type)","source":"/x","id":"1"},"subject":{"id":"7"}}"#)
    switch try Self.source.events(in: delivery) {
    case .events: #expect(isKnown)
    case .ignored(let reason):
      #expect(!isKnown)
      #expect(!reason.isEmpty)
    case .exclusion: Issue.record("no decision of an operator")
    }
  }

  @Test("Incidents are what the user calls so")
  func rules() throws {
    let source = CDEventsSource(rules: CDEventsRules(incidentLabels: [NamePattern("urg*")]))
    #expect(try source.events(in: Self.delivery("ticket.updated")).requireEvents().first?.operation == .incident)
    #expect(try source.events(in: Self.delivery("ticket.created")).requireEvents().first?.operation == .issue)
  }

  // MARK: Names

  static func key(source: String, subject: String = "pipelinerun.started", id: String = "7") throws -> String? {
    let body = #"{"context":{"type":"dev.cdevents.\#(subject).0.3.0","source":"\#(source)","id":"1"},"subject":{"id":"\#(id)"}}"#
    return try self.source.events(in: delivery(body: body)).requireEvents().first?.key.description
  }

  @Test(
    "A source is the host of an absolute address and what follows it, else the whole",
    arguments: [
      ("https://ci.example.org/team/a", "cdevents:ci.example.org:team%2Fa:pipelinerun:7"),
      ("https://user:word@CI.example.org:8443/?x=1", "cdevents:ci.example.org%3A8443:%3Fx%3D1:pipelinerun:7"),
      ("https://ci.example.org", "cdevents:ci.example.org::pipelinerun:7"), ("/ci", "cdevents::%2Fci:pipelinerun:7"),
      ("ci.example.org/a", "cdevents::ci.example.org%2Fa:pipelinerun:7"), ("urn:ci:1", "cdevents::urn%3Aci%3A1:pipelinerun:7"),
    ])
  func origins(source: String, key: String) throws {
    #expect(try Self.key(source: source) == key.replacing("%3D", with: "="))
  }

  @Test(
    "An artifact is one, however its package URL is spelled",
    arguments: [
      ("pkg:oci/a@sha256%3Aab", "pkg%3Aoci%2Fa@sha256%3Aab"), ("pkg:oci/a@sha256:ab?tag=1", "pkg%3Aoci%2Fa@sha256%3Aab"),
      ("pkg:oci/a@1?repository_url=x.y/a&arch=arm", "pkg%3Aoci%2Fa@1%3Farch=arm"), ("PKG:npm/%40a/b@1", "pkg%3Anpm%2F@a%2Fb@1"),
      ("pkg:npm/%40a/b", "pkg%3Anpm%2F@a%2Fb"),
    ])
  func packages(text: String, id: String) throws {
    let one = try Self.key(source: "/ci", subject: "artifact.published", id: text)
    #expect(one == "cdevents:::release:\(id)")
    #expect(try Self.key(source: "https://registry.example", subject: "artifact.published", id: text) == one)
    #expect(try Self.key(source: "/ci", subject: "artifact.published", id: "a-1") == "cdevents::%2Fci:release:a-1")
  }

  static func triggers(domainID: String) throws -> [String] {
    let delivery = try delivery("structured.data").replacing(["cdevents:v0:github::harbour:site:issue:36": domainID])
    return try source.events(in: delivery).requireEvents().flatMap(\.follows).flatMap(\.references).map(\.description)
  }

  @Test("A domain id is a name of its own, and that of an issue where the vendor's source knows it")
  func domainIDs() throws {
    for id in [
      "cdevents:v0:github::xibz:spec:pr:42", "cdevents:v0:github:org-a:xibz:spec:issue:42",
      "cdevents:v0:jira::xibz:project:issue:PROJ-1", "cdevents:v0:::::artifact:pkg%3Adocker%2Fa%401", "cdevents:v0:::::pr:42",
    ] {
      #expect(try Self.triggers(domainID: id) == ["domain_id:\(id)"])
    }
    #expect(
      try Self.triggers(domainID: "cdevents:v0:gitlab::acme:web/site:issue:9") == [
        "domain_id:cdevents:v0:gitlab::acme:web/site:issue:9", "issue:gitlab.com/acme/web/site#9",
      ])
    for wrong in [
      "cdevents:v0:github:xibz:spec:pr:42", "cdevents:v0:github::xibz:spec::42", "cdevents:v0:github::xibz:spec:pr:",
      "cdevents:v0:github::xibz:/spec:pr:42", "cdevents:v0:github::xibz:spec/:pr:42", "cdevents:v1:github::xibz:spec:pr:42",
      "CDEvents:v0:github::xibz:spec:pr:42",
    ] {
      #expect(try Self.triggers(domainID: wrong).isEmpty, "\(wrong)")
    }
  }

  // MARK: Secrets, unsupported events, limits

  @Test("User and password in an address are in nothing that is made of it")
  func secrets() throws {
    let body = #"""
      {"context": {"specversion": "0.5.1", "id": "1", "source": "https://rosa:hunter2@ci.example/team/", "type": "dev.cdevents.pipelinerun.finished.0.3.0",
       "timestamp": "2024-03-06T11:00:00Z"}, "subject": {"id": "https://rosa:hunter2@ci.example/runs/7", "source": "https://rosa:hunter2@ci.example/team/",
       "content": {"uri": "https://rosa:hunter2@ci.example/runs/7", "outcome": "success"}}}
      """#
    let incident = #"""
      {"context": {"specversion": "0.5.1", "id": "2", "source": "/monitoring", "type": "dev.cdevents.incident.reported.0.3.0",
       "timestamp": "2024-03-06T11:00:00Z"}, "subject": {"id": "i", "content": {"environment": {"id": "e"},
       "ticketURI": "https://rosa:hunter2@tracker.example/1", "artifactId": "pkg:oci/site@1?repository_url=https://rosa:hunter2@r.example"}}}
      """#
    for body in [body, incident] {
      let delivery = Self.delivery(body: body)
      let explanation = try Self.source.events(in: delivery).explanation
      #expect(!explanation.contains("hunter2"), "\(explanation)")
      #expect(Self.source.deliveryID(of: delivery)?.contains("hunter2") != true)
    }
  }

  @Test("A slash at the end of a source makes no other source")
  func trailingSlash() throws {
    let delivery = try Self.delivery("service.deployed")
    let slashed = try delivery.replacing(["/spinnaker\"": "/spinnaker/\""])
    #expect(
      try Self.source.events(in: slashed).requireEvents().map(\.key)
        == Self.source.events(in: delivery).requireEvents().map(\.key))
  }

  @Test(
    "Events of other specifications are ignored, whatever their data are",
    arguments: [
      (#"{"specversion":"1.0","id":"1","source":"/s","type":"com.example.foo"}"#, "application/cloudevents+json"),
      (#"{"specversion":"1.0","id":"1","source":"/s","type":"com.example.foo","data":"hello"}"#, "application/cloudevents+json"),
      (
        #"[{"specversion":"1.0","id":"1","source":"/s","type":"com.example.foo","data":"hello"}]"#,
        "application/cloudevents-batch+json"
      ),
    ])
  func foreign(body: String, type: String) throws {
    let delivery = Self.delivery(body: body, headers: ["Content-Type": type])
    #expect(try Self.source.events(in: delivery) == .ignored(reason: "com.example.foo is no type of CDEvents"))
  }

  @Test("In binary mode too; and one among ours in a batch refuses none of them")
  func foreignAmongOurs() throws {
    let headers: HTTPHeaders = [
      "Content-Type": "text/plain", "ce-specversion": "1.0", "ce-type": "com.example.foo", "ce-id": "1", "ce-source": "/s",
    ]
    #expect(
      try Self.source.events(in: Self.delivery(body: "hello", headers: headers))
        == .ignored(reason: "com.example.foo is no type of CDEvents"))
    let ours = String(decoding: try Self.delivery("structured.data").body, as: UTF8.self)
    let stranger = #"{"specversion":"1.0","id":"1","source":"/s","type":"com.example.foo","data":"hello"}"#
    let batch = Self.delivery(body: "[\(stranger),\(ours)]", headers: ["Content-Type": "application/cloudevents-batch+json"])
    #expect(try !Self.source.events(in: batch).requireEvents().isEmpty)
  }

  @Test("What a batch was ignored for is told in few words")
  func manyReasons() throws {
    let events = (0..<1000).map {
      #"{"specversion":"1.0","id":"\#($0)","source":"/s","type":"com.example.\#($0).\#(String(repeating: "x", count: 900))","data":1}"#
    }
    let batch = Self.delivery(
      body: "[\(events.joined(separator: ","))]", headers: ["Content-Type": "application/cloudevents-batch+json"])
    guard case .ignored(let reason) = try Self.source.events(in: batch) else { throw TestDataError(description: "not ignored") }
    #expect(reason.utf8.count < 2000)
    #expect(reason.hasSuffix("and 990 others"))
  }

  @Test("The type of a package counts in any letter case, what is only its place does not")
  func packages() throws {
    let delivery = try Self.delivery("artifact.published")
    let keys = try Set(
      ["pkg:oci/site@1", "pkg:OCI/site@1", "pkg:oci/site@1?repository_url=r.example", "pkg:oci/site%401"].map { text in
        let named = try delivery.replacingPackage(with: text)
        return try Self.source.events(in: named).requireEvents()[0].key
      })
    #expect(keys.count == 1, "\(keys)")
  }
}

extension Delivery {
  fileprivate func replacingPackage(with text: String) throws -> Delivery {
    let body = String(decoding: body, as: UTF8.self)
    guard let found = body.firstMatch(of: /"id": "(pkg:[^"]*)"/) else { throw TestDataError(description: "no package") }
    return try replacing([String(found.output.1): text])
  }
}
