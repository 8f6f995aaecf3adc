import Foundation
import Testing
import ValueStreamTesting

@Suite("vsperf explain")
struct ExplainTests {
  static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
  static let payload = "\(tests)/GitHubTests/Fixtures/workflow_run.completed.json"

  @Test("says of a payload what the tests of its source expect")
  func text() throws {
    let result = try VSPerf.run(["explain", "--source", "github", "--event", "workflow_run", Self.payload])
    #expect(result.exit == .code(0))
    #expect(result.errors == "")
    let expected = try String(
      contentsOfFile: "\(Self.tests)/GitHubTests/Fixtures/workflow_run.completed.events.txt", encoding: .utf8)
    #expect(result.output == "\(Self.payload), github workflow_run\n\(expected)\n")
  }

  @Test("says the same as vsd does of what it was sent")
  func sameAsDaemon() throws {
    let vsd = try VSDProcess(["--tracer=none"])
    let body = try String(contentsOfFile: Self.payload, encoding: .utf8)
    try vsd.postGitHub("workflow_run", body)
    let explained = try JSON(
      parsing: VSPerf.run(["explain", "--source=github", "--event=workflow_run", "--format=json", Self.payload]).output)
    let delivery = try #require(try vsd.json("/api/v1/deliveries")["deliveries"]?.list.first)
    for member in ["result", "events", "branches"] { #expect(explained[member] == delivery[member], "\(member)") }
    #expect(explained["source"] == "github")
    #expect(explained["type"] == "workflow_run")
  }

  @Test("says which values no type can hold")
  func unread() throws {
    let home = try VSDProcess.Home()
    let path = try home.write("a.json", #"{"id":"d1","type":"deploy","action":"start","attributes":{"a":1e400}}"#)
    let text = try VSPerf.run(["explain", "--source=customhttp", path]).output
    #expect(text.contains("1 value read as null or U+FFFD, because no type can hold what was sent: $.attributes.a\n"))
    let json = try JSON(parsing: VSPerf.run(["explain", "--source=customhttp", "--format=json", path]).output)
    #expect(json["unread"] == ["values": 1, "paths": ["$.attributes.a"]])
  }

  @Test("finds out source and type from where a file lies, else from what it holds")
  func origin() throws {
    let home = try VSDProcess.Home()
    for folder in ["github/issues", "somewhere"] {
      try FileManager.default.createDirectory(atPath: "\(home.path)/\(folder)", withIntermediateDirectories: true)
    }
    let issue = Payloads.issue("opened", number: 36)
    func json(_ name: String, _ text: String) throws -> JSON {
      let path = try home.write(name, text)
      let result = try VSPerf.run(["explain", "--format=json", path])
      return try JSON(parsing: result.output)
    }
    for name in ["github/issues/opened.json", "github/issues.opened.json"] {
      #expect(try json(name, issue)["events"]?.list.first?["operation"] == "issue", "\(name)")
    }
    let label = #"{"action": "created", "label": {"name": "bug"}, "repository": {"id": 1, "full_name": "acme/site"}}"#
    #expect(try json("github/label.json", label)["reason"] == "event type label is not supported")
    // A file that lies in the folder of another type.
    #expect(try json("github/label.json", issue)["reason"]?.text?.contains("label") == true)
    for name in ["github/opened.json", "somewhere/opened.json"] {
      let explained = try json(name, issue)
      #expect(explained["type"] == "issues", "\(name)")
      #expect(explained["events"]?.list.first?["operation"] == "issue", "\(name)")
    }
    #expect(try json("github/unknown.json", #"{"sender": {"login": "rosa"}}"#)["result"] == "unreadable", "no type")
    let job = #"{"jobName": "site", "number": 256, "result": "SUCCESS"}"#
    #expect(try json("somewhere/a.json", job)["source"] == "jenkins")
    let custom = try json("somewhere/b.json", Payloads.custom("start", "d1"))
    #expect(custom["source"] == "customhttp")
    #expect(try json("somewhere/c.json", "{}")["reason"]?.text?.contains("--source") == true)
  }

  @Test("a folder: a line each and a table; what cannot be read makes exit code 65")
  func folder() throws {
    let home = try VSDProcess.Home()
    try FileManager.default.createDirectory(atPath: "\(home.path)/jenkins/deep", withIntermediateDirectories: true)
    _ = try home.write("jenkins/a.json", #"{"jobName": "site", "number": 256, "result": "SUCCESS"}"#)
    _ = try home.write("jenkins/deep/b.json", #"{"jobName": "site", "number": "x"}"#)
    _ = try home.write("jenkins/deep/readme.txt", "no payload")
    let result = try VSPerf.run(["explain", "--dir", "\(home.path)/jenkins"])
    #expect(result.exit == .code(65))
    #expect(result.errors == "vsperf: 1 of 2 payloads cannot be read\n")
    #expect(
      result.output == """
        \(home.path)/jenkins/a.json: jenkins::=site:build:256
        \(home.path)/jenkins/deep/b.json: unreadable: $.number: expected a whole number, found a text

                    events  ignored  refused
        jenkins          1        0        1
        all              1        0        1

        """)
  }

  @Test("a generated history is read line by line")
  func history() throws {
    let home = try VSDProcess.Home()
    let path = "\(home.path)/history.ndjson"
    let made = try VSPerf.run([
      "generate", "history", "--scale", "0.1", "--days", "3", "--until", "2026-11-24T18:00:00Z", "--out", path,
    ])
    #expect(made.exit == .code(0))
    let result = try VSPerf.run(["explain", "--format", "json", path])
    #expect(result.exit == .code(0), "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.count > 50)
    #expect(try JSON(parsing: String(lines[0]))["file"]?.text == "\(path):1")
  }

  @Test("settings of sources count as for vsd")
  func settings() throws {
    let path = "\(Self.tests)/GitHubTests/Fixtures/workflow_run.deploy.json"
    func operation(_ arguments: [String], _ environment: [String: String] = [:]) throws -> JSON? {
      let result = try VSPerf.run(
        ["explain", "--source=github", "--format=json", path] + arguments, environment: environment)
      return try JSON(parsing: result.output)["events"]?.list.first?["operation"]
    }
    #expect(try operation([]) == "build")
    #expect(try operation(["--github-deploy-workflows=Deploy *"]) == "deploy")
    #expect(try operation([], ["VS_GITHUB_DEPLOY_WORKFLOWS": "deploy.yml"]) == "deploy")
  }

  @Test("mistakes")
  func mistakes() throws {
    for (arguments, code, text) in [
      (["explain"], 64, "which files?"), (["explain", "--dir", "/nowhere", "x.json"], 64, "do not go together"),
      (["explain", "--source", "gitlub", "x.json"], 64, "known are github"),
      (["explain", "/nowhere.json"], 66, "cannot read the file"),
      (["explain", "--dir", "/nowhere"], 66, "cannot read the folder"),
      (["explain", "--format", "xml", "x"], 64, "one of text, json"),
    ] as [([String], Int32, String)] {
      let result = try VSPerf.run(arguments)
      #expect(result.exit == .code(code), "\(arguments)")
      #expect(result.errors.contains(text), "\(result.errors)")
    }
  }
}
