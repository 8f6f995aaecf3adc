import Foundation
import Testing
import ValueStreamTesting

/// Sends CDEvents with the official CloudEvents SDK, which `Scripts/bootstrap test` installs.
@Suite("A producer of CDEvents of another project")
struct CDEventsProducerTests {
  struct Answer: Hashable {
    var type: String
    var mode: String
    var id: String
    var text: String
  }

  /// Sends one event of every subject and predicate, in both modes.
  static func send(to port: UInt16, token: String) throws -> [Answer] {
    let program = PythonEnvironment.python.path
    let script = PythonEnvironment.root.appendingPathComponent("Tests/vsdTests/Producer/send-cdevents.py").path
    let child = try ChildProcess(program, [script, "http://127.0.0.1:\(port)/cdevents", token], environment: [:])
    #expect(try child.waitForExit() == .code(0), "\(child.errors)")
    return try child.outputLines.map { line in
      let line = try JSON(parsing: line)
      let status = line["status"]?.int ?? 0
      return Answer(
        type: line["type"]?.text ?? "", mode: line["mode"]?.text ?? "", id: line["id"]?.text ?? "",
        text: "\(status) \(line["body"]?.text ?? "")")
    }
  }

  static let ignored: Set = [
    "repository.created", "repository.modified", "repository.deleted", "service.published", "service.removed",
  ]

  @Test(
    "is understood in every subject, in binary and in structured mode alike",
    .enabled(if: PythonEnvironment.wants("cloudevents"), "the CloudEvents library is not installed"))
  func everySubject() throws {
    let vsd = try VSDProcess(["--tracer=none", "--store=memory"], environment: ["VS_CDEVENTS_SECRET": "old,new"])
    let answers = try Self.send(to: vsd.ports[0], token: "new")
    #expect(answers.count == 2 * 46)
    for answer in answers {
      #expect(answer.text == (Self.ignored.contains(answer.type) ? "200 ignored" : "200 success"), "\(answer)")
    }
    let again = try Self.send(to: vsd.ports[0], token: "old")
    #expect(again.allSatisfy { $0.text == "200 duplicate" }, "\(again)")
    #expect(try Self.send(to: vsd.ports[0], token: "other").allSatisfy { $0.text.hasPrefix("401 ") })

    let spans = try vsd.json("/api/v1/spans?source=cdevents&limit=1000")["spans"]?.list ?? []
    for mode in ["binary", "structured"] {
      let ids = Dictionary(
        uniqueKeysWithValues: answers.filter { $0.mode == mode }.map { ($0.type, $0.id) }.filter { $0.0 != "" })
      let release = "release:pkg%3Aoci%2Fharbour-site@\(mode)"
      let expected = [
        "issue:ticket-\(mode)": "issue completed below nothing",
        "pull_request:change-\(mode)": "pull_request merged below issue:ticket-\(mode)",
        "pull_request:abandoned-\(mode)": "pull_request abandoned below issue:ticket-\(mode)",
        "pipelinerun:run-\(mode)": "build success below issue:ticket-\(mode)",
        "job:task-\(mode)": "job error below pipelinerun:run-\(mode)",
        "build:build-\(mode)": "build success below pipelinerun:run-\(mode)",
        "testsuiterun:suite-\(mode)": "job success below pipelinerun:run-\(mode)",
        "testcaserun:case-\(mode)": "job failure below testsuiterun:suite-\(mode)",
        "testcaserun:skipped-\(mode)": "job skip below testsuiterun:suite-\(mode)",
        release: "release success below build:build-\(mode)",
        "environment:environment-\(mode)": "environment completed below pipelinerun:run-\(mode)",
        "deployment:\(ids["service.deployed"] ?? "")": "deploy success below \(release)",
        "deployment:\(ids["service.upgraded"] ?? "")": "deploy success below \(release)",
        "deployment:\(ids["service.rolledback"] ?? "")": "deploy success below \(release)",
        // Three deploys brought one artifact to one environment. The incident follows the last of them.
        "incident:incident-\(mode)": "incident completed below deployment:\(ids["service.rolledback"] ?? "")",
      ]
      let own = spans.filter { span in expected.keys.contains(Self.name(span["key"]) ?? "") }
      for span in own {
        let name = Self.name(span["key"]) ?? ""
        let parent = Self.name(span["parentKey"]) ?? "nothing"
        #expect("\(span["operation"]?.text ?? "") \(span["outcome"]?.text ?? "") below \(parent)" == expected[name], "\(name)")
      }
      #expect(own.count == expected.count)
      #expect(Set(own.compactMap { $0["traceID"]?.text }).count == 1, "one chain, one trace")
      let events = Dictionary(
        uniqueKeysWithValues: own.map { span in
          (Self.name(span["key"]) ?? "", (span["events"]?.list ?? []).compactMap { $0["name"]?.text })
        })
      #expect(events["pull_request:change-\(mode)"] == ["synchronize", "review"])
      #expect(events["pipelinerun:run-\(mode)"] == ["paused"])
      #expect(events["testcaserun:case-\(mode)"] == ["output"])
      #expect(events[release] == ["packaged", "signed", "published", "downloaded", "deleted"])
    }
    #expect(spans.count == 2 * 15)
  }

  /// The last two parts of a key: kind and id.
  private static func name(_ key: JSON?) -> String? {
    key?.text.map { $0.split(separator: ":").suffix(2).joined(separator: ":") }
  }
}
