import CustomHTTP
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// What Docs/sources/custom-http.schema.json says of events, and what the source does with them.
@Suite("Schema of custom events", .enabled(if: JSONSchemaValidator.isWanted, "the validator is not installed"))
struct CustomHTTPSchemaTests {
  static let validator = JSONSchemaValidator(schema: "Docs/sources/custom-http.schema.json")

  static func isTaken(_ body: String) -> Bool {
    (try? CustomHTTPSource().events(in: CustomHTTPSourceTests.delivery(body: body))) != nil
  }

  @Test("Every payload of the tests is valid")
  func fixtures() throws {
    let fixtures = CustomHTTPSourceTests.fixtures
    let bodies = try fixtures.map { String(decoding: try $0.body(), as: UTF8.self) }
    for (fixture, finding) in zip(fixtures, try Self.validator.findings(in: bodies, anyCase: true)) {
      #expect(finding == nil, "\(fixture.name)")
    }
  }

  @Test("What the source refuses is invalid")
  func refused() throws {
    let bodies = WrongBodies.all.map(\.body)
    for (body, finding) in zip(bodies, try Self.validator.findings(in: bodies)) { #expect(finding != nil, "\(body)") }
  }

  /// What a schema cannot say stands in its description.
  @Test("The source refuses a valid event only for its times", arguments: WrongBodies.times)
  func times(body: String, path: String) throws {
    #expect(try Self.validator.findings(in: [body]) == [nil])
    #expect(!Self.isTaken(body))
  }

  @Test("The source overlooks more than the schema, for older scripts")
  func lenient() throws {
    let bodies = [
      #"{"ID": "1", "Type": "deploy", "ACTION": "start"}"#, #"{"id": "1", "type": "deploy", "action": "START"}"#,
      #"{"id": "1", "type": "deploy", "action": "end", "outcome": "Failure"}"#,
      #"{"id": "1", "type": "deploy", "action": "end", "error": "yes"}"#,
      #"{"id": "1", "type": "deploy", "action": "end", "namespace": true}"#,
      #"{"id": "1", "type": "deploy", "action": "end", "parentId": []}"#,
      #"{"id": "1", "type": "deploy", "action": "end", "metadata": "none"}"#,
    ]
    for (body, finding) in zip(bodies, try Self.validator.findings(in: bodies)) {
      #expect(finding != nil, "\(body)")
      #expect(Self.isTaken(body), "\(body)")
    }
  }

  // MARK: Made-up events

  /// Values of each member, right ones and wrong ones. Times of beginnings are before those of ends.
  static let values: KeyValuePairs<String, [String]> = [
    "action": [#""start""#, #""end""#, #""end""#, #""annotate""#, "null", #""""#, #""begin""#, "7"],
    "startedAt": [
      "1709632800", #""2024-03-05T10:00:00Z""#, #""2024-03-05 10:00:00.5 +0200""#, "null", #""""#, "0", "-1", #""now""#, "true",
      #""1970-01-01T00:00:00Z""#, #""1970-01-01T01:00:00+01:00""#, #""1969-12-31T19:00:00-05:00""#, #""0001-01-01T00:00:00Z""#,
      "86399", "86400", "0.5", "-62135596800", #""1970-01-03T00:00:00Z""#, #""0001-01-01""#, #""0000-00-00 00:00:00""#,
    ],
    "endedAt": [
      "1709640000000", #""2024-03-05T12:00:00+00:00""#, "null", #""2024-03-05T12:00:00""#, #""2024-13-05T12:00:00Z""#, "{}",
      "0", #""1970-01-01T00:00:00Z""#, #""0001-01-01T00:00:00Z""#, "0.0",
    ],
    "time": [#""2024-03-05T11:00:00Z""#, "1709636400", "null", "[]", "0", #""0001-01-01T00:00:00Z""#],
    "outcome": [#""success""#, #""failure""#, #""timeout""#, #""merged""#, "null", #""""#, #""ok""#, "1"],
    "error": ["true", "false", "null"],
    "namespace": [#""shop""#, "7", "null", #""""#],
    "name": [#""Shop 1.2""#, "12", "null", "[]", "true"],
    "environment": [#""production""#, "null", "{}", "0.5"],
    "service": [#""shop""#, #""""#, "false"],
    "url": [
      #""https://ci.example.org/7""#, #""https://user@ci.example.org:8443""#, "null", #""ci.example.org/7""#, #""https:///7""#,
      "7",
    ],
    "parentId": [#""6""#, "6", "null"],
    "references": [
      "[]", "null", #"["42", "TP-3"]"#, #"["acme/site#12"]"#, #"["acme/site#"]"#, #"["a b"]"#, #"["1a2b3c4"]"#, #"["1234567"]"#,
      #"["https://github.com/acme/site/pull/12"]"#, #"["https://github.com/acme/site/pulls"]"#, #"["vstrace-x"]"#,
      #"["vstrace-github-issue-site-36"]"#, #"["customhttp::shop:build:17", "customhttp:shop:17"]"#,
      #"[{"kind": "event", "value": 6}]"#,
      #"[{"kind": "commit", "value": "main"}]"#, #"[{"kind": "branch", "value": "main"}]"#, #"[{"value": "main"}]"#, "[7]", "{}",
      #"[{"kind": "change", "value": "acme/site!3"}, {"kind": "issue", "value": "TP-3"}]"#,
      #"[{"kind": "issue", "value": "acme/site!3"}]"#,
    ],
    "attributes": ["{}", #"{"a": {"b": 1}}"#, "null", "[]", #""a""#],
    "metadata": ["{}", #"{"a": 1}"#, "null"],
    "phases": [
      "[]", #"[{"name": "a", "startedAt": 1709632800}]"#, #"[{"name": "a", "endedAt": 1709632800, "outcome": "skip"}]"#,
      #"[{"name": "a"}]"#, #"[{"name": "a", "startedAt": 0}]"#, #"[{"name": "a", "endedAt": 1709632800, "startedAt": 0}]"#,
      #"[{"startedAt": 1709632800}]"#, #"[{"name": "a", "startedAt": 1709632800, "outcome": "skip"}]"#, "[1]", "7",
    ],
    "moments": [
      "[]", #"[{"name": "a"}, {"name": "b", "time": 1709632800, "attributes": {"c": true}}]"#, #"[{"name": ""}]"#,
      #"[{"name": "a", "time": "x"}]"#,
      #"[{"name": "a", "attributes": []}]"#, #""a""#,
    ],
    "anything": ["7"],
  ]

  static func event(_ random: inout SeededRandom) -> String {
    let identity = random.oneIn(20) ? [#""id": true"#] : [#""id": 7"#, #""type": "deploy""#, #""action": "end""#]
    let members = values.shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random)).map { name, values in
      "\"\(name)\": \(values.randomElement(using: &random) ?? "null")"
    }
    return "{\((identity + members).joined(separator: ", "))}"
  }

  @Test("Schema and source agree on made-up events")
  func agreement() throws {
    var random = SeededRandom(seed: 20)
    var bodies: [String] = []
    for _ in 0..<4000 {
      let events = (0..<Int.random(in: 0...2, using: &random)).map { _ in Self.event(&random) }
      bodies.append(random.oneIn(5) ? "[\(events.joined(separator: ", "))]" : Self.event(&random))
    }
    let findings = try Self.validator.findings(in: bodies)
    for (body, finding) in zip(bodies, findings) {
      #expect(Self.isTaken(body) == (finding == nil), "\(body)\n\(finding ?? "valid")")
    }
    #expect(findings.count { $0 == nil } > 400)
    #expect(findings.count { $0 != nil } > 400)
  }
}
