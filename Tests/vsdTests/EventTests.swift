import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("vsperf event")
struct EventTests {
  private static func spans(_ daemon: VSDProcess) throws -> [JSON] {
    try daemon.json("/api/v1/spans")["spans"]?.list ?? []
  }

  private static func address(_ daemon: VSDProcess) -> [String: String] {
    ["VS_CUSTOM_HTTP_EVENT_SOURCE_URL": "http://127.0.0.1:\(daemon.ports[0])/customhttp"]
  }

  @Test("start prints an id, end takes it; tags and who it was are told, signed, on either side of the command")
  func startAndEnd() throws {
    let daemon = try VSDProcess(["--settle=0s"], environment: ["VS_CUSTOMHTTP_SECRET": "open sesame"])
    let variables = Self.address(daemon).merging(["VS_CUSTOM_HTTP_EVENT_SOURCE_SECRET": "open sesame"]) { $1 }
    let started = try VSPerf.run(["-tag", "env|prod", "event", "start", "--tag=team|a|b"], environment: variables)
    #expect(started.errors == "")
    let id = String(started.output.dropLast())
    #expect(UUID(uuidString: id) != nil)
    let ended = try VSPerf.run(["event", "-event-id", id, "end", "-error"], environment: variables)
    #expect(ended.exit == .code(0), "\(ended.errors)")
    #expect(ended.output == "")
    let span = try #require(try Self.spans(daemon).first)
    #expect(span["key"]?.text == "customhttp::default:deploy:\(id)")
    #expect(span["outcome"]?.text == "failure")
    #expect(span["attributes"]?["env"]?.text == "prod")
    #expect(span["attributes"]?["team"]?.text == "a|b")
    #expect(span["attributes"]?["user.username"]?.text != nil)
    let refused = try VSPerf.run(["event", "start"], environment: Self.address(daemon))
    #expect(refused.exit == .code(69))
    #expect(refused.errors.contains("answered 401: "))
    #expect(refused.errors.contains("VS_CUSTOM_HTTP_EVENT_SOURCE_SECRET must be the secret"))
  }

  @Test("a bare id given as parent is one in the same namespace; an address without a path is one of a vsd")
  func parents() throws {
    let daemon = try VSDProcess(["--settle=0s"])
    let server = "--event-source-url=http://127.0.0.1:\(daemon.ports[0])"
    func event(_ arguments: String...) throws {
      let result = try VSPerf.run(["event"] + arguments + [server, "--namespace=shop"])
      #expect(result.exit == .code(0), "\(result.errors)")
    }
    try event("start", "--type=release", "--event-id=r1")
    try event("start", "--event-id=d1", "--parent-event-id=r1", "--title=Shop to production", "--environment=production")
    try event("annotate", "--event-id=d1", "--moment=approval")
    try event("end", "--event-id=d1", "--outcome=cancellation")
    let deploy = try #require(try Self.spans(daemon).first { $0["operation"]?.text == "deploy" })
    #expect(deploy["parentKey"]?.text == "customhttp::shop:release:r1")
    #expect(deploy["name"]?.text == "Shop to production")
    #expect(deploy["outcome"]?.text == "cancellation")
    #expect(deploy["events"]?.list.first?["name"]?.text == "approval")
  }

  @Test("run tells start, end and exit code, hands TRACEPARENT on, and ends as the command does")
  func run() throws {
    let daemon = try VSDProcess(["--settle=0s", "--trace-strategy=linked"])
    let arguments = ["event", "run", "--event-id=d2", "--tag", "env|prod", "--"]
    let result = try VSPerf.run(
      arguments + ["sh", "-c", "echo $TRACEPARENT; echo told >&2; exit 7", "--help"], environment: Self.address(daemon))
    let key = SubjectKey(source: "customhttp", host: "", container: "default", kind: "deploy", id: "d2")
    #expect(result.exit == .code(7))
    #expect(result.output == "00-\(TraceID(root: key))-\(SpanID(key: key, attempt: 1))-01\n")
    #expect(result.errors == "told\n")
    let span = try #require(try Self.spans(daemon).first)
    #expect(span["key"]?.text == "\(key)")
    #expect(span["traceID"]?.text == "\(TraceID(root: key))")
    #expect(span["outcome"]?.text == "failure")
    #expect(span["attributes"]?["process.exit.code"]?.int == 7)
    #expect(span["attributes"]?["env"]?.text == "prod")
  }

  @Test("signals reach the command, whose own end counts", arguments: [SIGTERM, SIGINT, SIGHUP])
  func signals(signal: Int32) throws {
    let daemon = try VSDProcess(["--settle=0s"])
    let script = "trap 'echo caught; exit 130' TERM INT HUP; echo ready; while :; do sleep 0.01; done"
    let child = try VSPerf.start(["event", "run", "--", "sh", "-c", script], environment: Self.address(daemon))
    try child.wait(for: "the command") { child.outputLines.first }
    child.send(signal)
    #expect(try child.waitForExit() == .code(130))
    #expect(child.outputLines == ["ready", "caught"])
    #expect(try Self.spans(daemon).first?["outcome"]?.text == "cancellation")
  }

  @Test("a command that a signal ended: 128 and its number")
  func killed() throws {
    let daemon = try VSDProcess()
    let result = try VSPerf.run(["event", "run", "--", "sh", "-c", "kill -KILL $$"], environment: Self.address(daemon))
    #expect(result.exit == .code(137))
    #expect(result.errors == "")
  }

  @Test("a vsd that is away fails no command; a warning says what was not recorded")
  func away() throws {
    let receiver = try LoopbackReceiver([.status(200)])
    receiver.goAway()
    let variables = ["VS_CUSTOM_HTTP_EVENT_SOURCE_URL": "\(receiver.url)/customhttp"]
    let result = try VSPerf.run(["event", "run", "--wait=0", "--event-id=d3", "--", "echo", "done"], environment: variables)
    #expect(result.exit == .code(0))
    #expect(result.output == "done\n")
    #expect(
      result.errors.hasPrefix("vsperf: deploy d3 (success) was not recorded: cannot send to \(receiver.url)/customhttp: "),
      "\(result.errors)")
    let start = try VSPerf.run(["event", "start", "--wait=0"], environment: variables)
    #expect(start.exit == .code(69))
    #expect(start.output == "")
  }

  @Test("a vsd that is busy is asked again with the same key; a start that got lost is told by the end")
  func busy() throws {
    let receiver = try LoopbackReceiver { number, _ in number < 2 ? .status(503, ["Retry-After": "0.1"]) : .status(200) }
    let variables = ["VS_CUSTOM_HTTP_EVENT_SOURCE_URL": receiver.url]
    let result = try VSPerf.run(["event", "run", "--", "true"], environment: variables)
    #expect(result.exit == .code(0))
    #expect(result.errors == "")
    let bodies = try receiver.requests.map { try JSON(parsing: String(decoding: $0.body, as: UTF8.self)) }
    #expect(bodies.map { $0["action"]?.text } == ["start", "end", "end"])
    #expect(bodies[2]["startedAt"]?.text == bodies[0]["time"]?.text)
    let keys = receiver.requests.map { $0.headers["Idempotency-Key"] ?? "" }
    #expect(keys[1] == keys[2] && keys[0] != keys[1])
    #expect(receiver.requests.allSatisfy { $0.target == "/customhttp" })
  }

  @Test(
    "mistakes: exit code 64, and no command is run",
    arguments: [
      (["end"], "which event? --event-id ID"), (["annotate"], "which event? --event-id ID"),
      (["run"], "which command? -- COMMAND"), (["run", "--tag", "env", "--", "touch", "x"], "flag --tag: \"env\" is not a tag"),
      (["end", "--event-id=1", "--error", "--outcome=success"], "--error and --outcome success contradict each other"),
      (["end", "--event-id=1", "--outcome=ok"], "flag --outcome: \"ok\" is not one of success, failure"),
      (["start", "--event-source-url=here"], "flag --event-source-url: \"here\" is not an address"),
    ])
  func mistakes(arguments: [String], says: String) throws {
    let result = try VSPerf.run(["event"] + arguments)
    #expect(result.exit == .code(64))
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("vsperf: \(says)"), "\(result.errors)")
    #expect(result.errors.hasSuffix("vsperf event \(arguments[0]) --help says more\n"), "\(result.errors)")
  }

  @Test("a command that cannot be run: the exit codes of shells, and a failure")
  func noCommand() throws {
    let daemon = try VSDProcess()
    let missing = try VSPerf.run(
      ["event", "run", "--event-id", "7", "--namespace", "shop", "--", "no-such-command"], environment: Self.address(daemon))
    #expect(missing.exit == .code(127))
    #expect(missing.errors == "vsperf: cannot run no-such-command: No such file or directory\n")
    let span = try daemon.json("/api/v1/spans")["spans"]?.list.first
    #expect(span?["key"]?.text == "customhttp::shop:deploy:7")
    #expect(span?["outcome"]?.text == "failure")
    #expect(try VSPerf.run(["event", "run", "--", "/etc/passwd"], environment: Self.address(daemon)).exit == .code(126))
  }

  @Test("under the names of the programs of old it speaks as they did")
  func formerNames() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("vscli-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let daemon = try VSDProcess()
    let program = folder.appendingPathComponent("vscli").path
    try FileManager.default.createSymbolicLink(atPath: program, withDestinationPath: try VSPerf.binary())
    let child = try ChildProcess(program, ["event", "start"], environment: Self.address(daemon))
    #expect(try child.waitForExit() == .code(0))
    #expect(UUID(uuidString: String(child.output.dropLast())) != nil)
    let other = try ChildProcess(program, ["explain"], environment: [:])
    #expect(try other.waitForExit() == .code(64))
    #expect(other.errors == "vscli: there is no command \"explain\"; vscli --help says more\n")
  }
}
