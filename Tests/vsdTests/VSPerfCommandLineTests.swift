import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("The command line of vsperf")
struct VSPerfCommandLineTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

  @Test(
    "help is there at every level, wherever the flag stands",
    arguments: [
      (["--help"], "vsperf"), (["help"], "vsperf"), (["help", "dora"], "vsperf-dora"), (["help", "all"], "vsperf-all"),
      (["-h"], "vsperf"), (["--help", "all"], "vsperf-all"), (["generate", "--help"], "vsperf-generate"),
      (["generate", "history", "--help"], "vsperf-generate-history"), (["explain", "--help"], "vsperf-explain"),
      (["traceparent", "--help"], "vsperf-traceparent"), (["event", "--help"], "vsperf-event"),
      (["github", "pull-requests", "--help"], "vsperf-github-pull-requests"), (["github", "--help"], "vsperf-github"),
      (["github", "issues", "--help"], "vsperf-github-issues"),
      (["github", "workflow-runs", "--help"], "vsperf-github-workflow-runs"),
      (["github", "deployments", "--help"], "vsperf-github-deployments"),
      (["gitlab", "merge-requests", "--help"], "vsperf-gitlab-merge-requests"),
      (["jira", "issues", "--help"], "vsperf-jira-issues"), (["jenkins", "builds", "--help"], "vsperf-jenkins-builds"),
      (["completion", "--help"], "vsperf-completion"),
      (["event", "start", "--help"], "vsperf-event-start"), (["event", "end", "--help"], "vsperf-event-end"),
      (["event", "annotate", "--help"], "vsperf-event-annotate"), (["event", "run", "--help"], "vsperf-event-run"),
      (["agg", "--help"], "vsperf-agg"),
      (["agg", "pull-request", "--help"], "vsperf-agg-pull-request"), (["agg", "issue", "--help"], "vsperf-agg-issue"),
      (["agg", "build", "--help"], "vsperf-agg-build"), (["agg", "deploy", "--help"], "vsperf-agg-deploy"),
      (["generate", "pull-requests", "--help"], "vsperf-generate-pull-requests"), (["dora", "--help"], "vsperf-dora"),
      (["report", "--help"], "vsperf-report"), (["webhooks", "--help"], "vsperf-webhooks"),
      (["webhooks", "create", "github", "--help"], "vsperf-webhooks-create-github"),
      (["webhooks", "check", "trello", "--help"], "vsperf-webhooks-check-trello"),
      (["webhooks", "heal", "gitlab", "--help"], "vsperf-webhooks-heal-gitlab"),
      (["-help", "generate", "-seed", "3", "history"], "vsperf-generate-history"),
    ])
  func help(arguments: [String], page: String) throws {
    let result = try VSPerf.run(arguments)
    #expect(result.exit == .code(0))
    #expect(result.errors == "")
    Golden.expect(result.output, matches: "\(Self.folder)/\(page).txt")
    if page == "vsperf" { #expect(result.output.split(separator: "\n", omittingEmptySubsequences: false).count <= 41) }
  }

  @Test("the version is one line", arguments: ["--version", "-version"])
  func version(flag: String) throws {
    let result = try VSPerf.run([flag])
    #expect(result.exit == .code(0))
    #expect(result.output == "vsperf \(ValueStreamVersion.current) (not a release)\n")
  }

  @Test(
    "passwords in addresses are not shown",
    arguments: [
      ["event", "start", "--wait=0", "--event-source-url=ADDRESS/customhttp?key=hunter2"],
      ["generate", "history", "--days=2", "--scale=0.1", "--until=2026-11-24T18:00:00Z", "--send=ADDRESS"],
      // This day is a Sunday, without any events.
      ["generate", "history", "--days=1", "--scale=0.1", "--until=2026-11-22T18:00:00Z", "--send=ADDRESS"],
      ["traceparent", "--wait=0", "--name=shop/42", "--server=ADDRESS"],
    ])
  func passwords(arguments: [String]) throws {
    let answers = try LoopbackReceiver { _, _ in .status(404) }
    let away = try LoopbackReceiver([.status(200)])
    away.goAway()
    for place in [answers.url, away.url] {
      let address = place.replacing("http://", with: "http://tal:hunter2@")
      let result = try VSPerf.run(arguments.map { $0.replacing("ADDRESS", with: address) })
      #expect(result.exit == .code(69), "\(result.errors)")
      #expect(result.errors.contains(place) && !result.errors.contains("hunter2"), "\(result.errors)")
    }
  }

  struct Mistake: CustomTestStringConvertible {
    var arguments: [String]
    var environment: [String: String] = [:]
    var says: String

    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: String, environment: [String: String] = [:], says: String) {
      self.arguments = arguments.split(separator: " ").map(String.init)
      self.environment = environment
      self.says = says
    }
  }

  @Test(
    "a mistake is one line that names it and where help is, exit code 64",
    arguments: [
      Mistake(
        "",
        says:
          "which command? there is github, gitlab, jira, jenkins, agg, dora, lead-time, deploys, changes, incidents, flow, ageing, forecast, reviews, pipelines, report, exclude, include, exclusions, webhooks, import, event, explain, generate, traceparent, completion; vsperf --help says more"
      ),
      Mistake("generate", says: "generate what? there is history, pull-requests; vsperf generate --help says more"),
      Mistake("generat history", says: #"there is no command "generat" (did you mean generate?); vsperf --help says more"#),
      Mistake("generate histry", says: #"there is no command "generate histry" (did you mean history?); vsperf generate --help"#),
      Mistake("zzzzzz", says: #"there is no command "zzzzzz"; vsperf --help"#),
      Mistake("generate history more", says: #"unexpected argument "more"; vsperf generate history --help"#),
      Mistake("generate history --sed=3", says: "unknown flag --sed (did you mean --seed?); vsperf generate history --help"),
      Mistake("--sed 3 generate history", says: "unknown flag --sed (did you mean --seed?)"),
      Mistake("generate history --seed", says: "flag --seed needs a value"),
      Mistake("generate history --seed=-1", says: #"flag --seed: "-1" is not a whole number"#),
      Mistake("generate history --days 0", says: #"flag --days: "0" is not a number of days from 1 to 400"#),
      Mistake("generate history --scale nan", says: #"flag --scale: "nan" is not a number from 0.01 to 1000"#),
      Mistake("generate history --until yesterday", says: #"flag --until: "yesterday" is not a time such as 2026-"#),
      Mistake("generate history --duplicate 2", says: #"flag --duplicate: "2" is not a share from 0 to 1"#),
      Mistake("generate history --send localhost:5000", says: #"flag --send: "localhost:5000" is not an address such as http"#),
      Mistake("generate history --shuffle=x", says: #"flag --shuffle: "x" is not true or false"#),
      Mistake("generate history --send http://a --out b", says: "--send and --out do not go together"),
      Mistake("generate history", environment: ["VS_GITHUB_SECRET": ""], says: "VS_GITHUB_SECRET: a secret is empty"),
    ])
  func mistakes(mistake: Mistake) throws {
    let result = try VSPerf.run(mistake.arguments, environment: mistake.environment)
    #expect(result.exit == .code(64))
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("vsperf: \(mistake.says)"), "\(result.errors)")
    #expect(result.errors.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
  }

  @Test("a file that cannot be written: exit code 74, and the file is named")
  func unwritable() throws {
    let result = try VSPerf.run([
      "generate", "history", "--days=1", "--until=2026-11-24T18:00:00Z", "--out", "/nowhere/history.ndjson",
    ])
    #expect(result.exit == .code(74))
    #expect(result.errors == "vsperf: cannot write /nowhere/history.ndjson: No such file or directory\n")
  }

  @Test("a receiver that cannot be reached: exit code 69, and the address is named")
  func unreachable() throws {
    let receiver = try LoopbackReceiver([.status(200)])
    receiver.goAway()
    let result = try VSPerf.run(["generate", "history", "--days=2", "--until=2026-11-24T18:00:00Z", "--send", receiver.url])
    #expect(result.exit == .code(69))
    #expect(result.errors.hasPrefix("vsperf: cannot send to \(receiver.url)/github: "), "\(result.errors)")
  }

  @Test("a history of nothing is sent as one ping, which is signed and counts as no delivery of the history")
  func nothingSent() throws {
    let receiver = try LoopbackReceiver { _, _ in .status(200) }
    let result = try VSPerf.run(
      ["generate", "history", "--days=1", "--scale=0.1", "--until=2026-11-22T18:00:00Z", "--send", receiver.url],
      environment: ["VS_GITHUB_SECRET": "a secret of this test"])
    #expect(result.exit == .code(0), "\(result.errors)")
    #expect(result.errors.hasPrefix("sent 0 deliveries, "), "\(result.errors)")
    #expect(receiver.requests.count == 1)
    let request = try #require(receiver.requests.first)
    #expect(request.headers["X-GitHub-Event"] == "ping")
    let body = String(decoding: request.body, as: UTF8.self)
    #expect(request.headers["X-Hub-Signature-256"] == gitHubSignature(of: body, secret: "a secret of this test"))
  }

  @Test("an answer that is no success stops it, with the reason the receiver gave: exit code 69")
  func refused() throws {
    let problem = #"{"title": "Unauthorized", "status": 401, "detail": "the signature is missing"}"#
    let receiver = try LoopbackReceiver([.status(200), .status(401, [:], problem)])
    let result = try VSPerf.run(["generate", "history", "--days=3", "--until=2026-11-24T18:00:00Z", "--send", receiver.url])
    #expect(result.exit == .code(69))
    #expect(
      result.errors.wholeMatch(
        of: /vsperf: http:\/\/[0-9.:]+\/github answered 401 to a delivery of type [a-z_]+: the signature is missing; VS_.*\n/)
        != nil,
      "\(result.errors)")
    #expect(receiver.requests.count == 2)
  }

  @Test("a receiver that is busy is asked again after the time it names, and no delivery is left out")
  func busy() throws {
    let receiver = try LoopbackReceiver { number, _ in number == 1 ? .status(503, ["Retry-After": "0.2"]) : .status(200) }
    let arguments = ["generate", "history", "--days=3", "--scale=0.3", "--until=2026-11-24T18:00:00Z"]
    let result = try VSPerf.run(arguments + ["--send", receiver.url])
    #expect(result.exit == .code(0))
    let lines = try VSPerf.run(arguments).output.split(separator: "\n")
    let bodies = receiver.requests.map(\.body)
    #expect(bodies.count == lines.count + 1)
    #expect(bodies[1] == bodies[2])
    // The sent bodies are byte for byte those that are printed.
    for (line, body) in zip(lines, bodies.enumerated().filter { $0.offset != 1 }.map(\.element)) {
      #expect(line.hasSuffix(#","body":"# + String(decoding: body, as: UTF8.self) + "}"))
    }
    #expect(Set(receiver.requests.map(\.connection)).count == 1)
  }

  @Test("prints one JSON object a line, and tells on standard error what it printed")
  func lines() throws {
    let arguments = ["generate", "history", "--days", "2", "--until", "2026-11-24T18:00:00Z"]
    let result = try VSPerf.run(arguments)
    #expect(result.exit == .code(0))
    let lines = try result.output.split(separator: "\n").map { try JSON(parsing: String($0)) }
    #expect(lines.count > 100)
    #expect(lines.allSatisfy { $0["path"]?.text == "/github" && $0["headers"]?["X-GitHub-Event"]?.text != nil })
    #expect(result.errors.hasPrefix("wrote \(lines.count) deliveries, "), "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count == 1)
    // Flags before the command work, too, and output to a file is the same.
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("vsperf-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    #expect(try VSPerf.run(["--out", file.path, "-days=2"] + arguments.prefix(2) + arguments.suffix(2)).exit == .code(0))
    #expect(try String(contentsOf: file, encoding: .utf8) == result.output)
  }

  @Test("shuffled and duplicated it has the same deliveries, some of them twice")
  func shuffled() throws {
    let arguments = ["generate", "history", "--days", "2", "--until", "2026-11-24T18:00:00Z"]
    let plain = try VSPerf.run(arguments).output.split(separator: "\n")
    let mixed = try VSPerf.run(arguments + ["--shuffle", "--duplicate=0.5"]).output.split(separator: "\n")
    #expect(Set(mixed) == Set(plain))
    #expect(mixed.count > plain.count * 5 / 4 && mixed.count < plain.count * 7 / 4)
    #expect(Array(mixed.prefix(plain.count)) != plain)
  }
}
