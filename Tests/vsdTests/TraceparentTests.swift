import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("vsperf traceparent")
struct TraceparentTests {
  private static let gitHub = [
    "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY_ID": "197483389",
    "GITHUB_RUN_ID": "7001", "GITHUB_RUN_ATTEMPT": "2",
  ]
  private static let run = SubjectKey(source: "github", host: "github.com", container: "197483389", kind: "run", id: "7001")
  private static let job = SubjectKey(source: "github", host: "github.com", container: "197483389", kind: "job", id: "5001")
  /// Clears the variables of a CI system that may run these tests.
  private static let outside = [
    "GITHUB_ACTIONS": "", "GITLAB_CI": "", "BUILD_NUMBER": "", "JOB_NAME": "", "BUILD_URL": "", "JENKINS_URL": "",
  ]

  private static func text(_ root: SubjectKey, _ span: SubjectKey, attempt: Int = 1) -> String {
    "00-\(TraceID(root: root))-\(SpanID(key: span, attempt: attempt))-01\n"
  }

  private static func vsperf(_ arguments: [String], _ variables: [String: String] = [:]) throws -> VSPerf.Result {
    try VSPerf.run(["traceparent"] + arguments, environment: outside.merging(variables) { $1 })
  }

  // MARK: Offline

  @Test("offline: the run, the job where it is told, and a word of warning")
  func offline() throws {
    let run = try Self.vsperf(["--offline"], Self.gitHub)
    #expect(run.exit == .code(0))
    #expect(run.output == Self.text(Self.run, Self.run, attempt: 2))
    #expect(run.errors.hasPrefix("vsperf: computed from the key: right with --trace-strategy=linked"), "\(run.errors)")
    #expect(try Self.vsperf(["--offline", "--job", "5001"], Self.gitHub).output == Self.text(Self.run, Self.job))
    let gitLab = [
      "GITLAB_CI": "true", "CI_SERVER_HOST": "gitlab.com", "CI_PROJECT_ID": "3", "CI_PIPELINE_ID": "8", "CI_JOB_ID": "9",
    ]
    let pipeline = SubjectKey(source: "gitlab", host: "gitlab.com", container: "3", kind: "pipeline", id: "8")
    let gitLabJob = SubjectKey(source: "gitlab", host: "gitlab.com", container: "3", kind: "job", id: "9")
    #expect(try Self.vsperf(["--offline"], gitLab).output == Self.text(pipeline, gitLabJob))
    let build = SubjectKey(source: "jenkins", host: "ci.acme.example", container: "site", kind: "build", id: "4")
    let jenkins = ["JOB_NAME": "site", "BUILD_NUMBER": "4", "BUILD_URL": "https://ci.acme.example/job/site/4/"]
    #expect(try Self.vsperf(["--offline"], jenkins).output == Self.text(build, build))
    #expect(try Self.vsperf(["--offline", "--key", "\(build)", "--attempt=3"]).output == Self.text(build, build, attempt: 3))
  }

  @Test(
    "mistakes, exit code 64",
    arguments: [
      ([], [:], "which item? --key KEY or --name NAME; no variables of GitHub Actions, GitLab CI or Jenkins are set"),
      ([], gitHub, "which vsd? --server URL, or --offline"),
      (["--key", "site"], [:], #"flag --key: "site" is not a span key such as github:"#),
      (["--key", "\(run)", "--name", "TP-3"], [:], "--key and --name do not go together"),
      (["--key", "\(run)", "--job", "1"], [:], "--job goes with the variables of a job"),
      (["--name", "TP-3", "--offline"], [:], "--offline needs a key: only vsd knows which item has this name"),
      (["--name", "TP-3", "--offline-fallback"], [:], "--offline-fallback needs a key"),
      (["--name", "two words", "--server", "http://a"], [:], #"--name: "two words" is not a name that an item can be found by"#),
      (["--attempt", "2"], gitHub, "--attempt goes with --key or --name"),
      (["--attempt", "0", "--key", "\(run)"], [:], #"flag --attempt: "0" is not a number from 1 on"#),
      (["--server", "here"], gitHub, #"flag --server: "here" is not an address such as http"#),
      (["--offline"], gitHub.merging(["GITHUB_RUN_ID": ""]) { $1 }, "GITHUB_RUN_ID is not set, and GitHub Actions sets it"),
      (
        ["--offline", "--job=1"], ["BUILD_NUMBER": "1", "JOB_NAME": "a"], "only a job of GitHub Actions needs to be told its id"
      ),
    ] as [([String], [String: String], String)])
  func mistakes(arguments: [String], variables: [String: String], says: String) throws {
    let result = try Self.vsperf(arguments, variables)
    #expect(result.exit == .code(64))
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("vsperf: \(says)"), "\(result.errors)")
  }

  // MARK: With a server

  /// Sends a job that belongs to the second attempt of a run. Both are below an issue.
  private static func tell(_ daemon: VSDProcess) throws {
    let issue = #"{"action":"start","type":"issue","namespace":"shop","id":"7"}"#
    #expect(try daemon.postCustom(issue) == "200 success")
    let repository =
      #""repository":{"id":197483389,"name":"site","full_name":"acme/site","html_url":"https://github.com/acme/site"}"#
    let run =
      #"{"action":"in_progress","workflow_run":{"id":7001,"run_attempt":2,"status":"in_progress","#
      + #""run_started_at":"2026-11-24T08:00:00Z","updated_at":"2026-11-24T08:00:05Z","#
      + #""pull_requests":[{"number":12,"base":{"repo":{"id":197483389}}}]},\#(repository)}"#
    let change =
      #"{"action":"opened","pull_request":{"id":9,"number":12,"created_at":"2026-11-24T07:00:00Z","#
      + #""updated_at":"2026-11-24T07:00:00Z","title":"x","body":"","#
      + #""head":{"ref":"vstrace-customhttp-issue-shop-7","sha":"\#(String(repeating: "a", count: 40))","repo":{"id":197483389}},"#
      + #""base":{"repo":{"id":197483389}}},\#(repository)}"#
    #expect(try daemon.postGitHub("workflow_run", run) == "200 success")
    #expect(try daemon.postGitHub("pull_request", change) == "200 success")
  }

  @Test("vsd says which trace a job's run is in; the job itself it need not have heard of", arguments: TraceStrategy.allCases)
  func asked(strategy: TraceStrategy) throws {
    let daemon = try VSDProcess(["--trace-strategy", strategy.rawValue])
    let server = "http://127.0.0.1:\(daemon.ports[0])"
    try Self.tell(daemon)
    let issue = SubjectKey(source: "customhttp", host: "", container: "shop", kind: "issue", id: "7")
    let root = strategy == .nested ? issue : Self.run
    let run = try Self.vsperf(["--server", server], Self.gitHub)
    #expect(run.errors == "")
    #expect(run.exit == .code(0))
    #expect(run.output == Self.text(root, Self.run, attempt: 2))
    let job = try Self.vsperf(["--job", "5001"], Self.gitHub.merging(["VS_SERVER_URL": server + "/"]) { $1 })
    #expect(job.output == Self.text(root, Self.job))
    for name in ["vstrace-customhttp-issue-shop-7", "shop/7", "\(issue)"] {
      #expect(try Self.vsperf(["--server", server, "--name", name]).output == Self.text(issue, issue), "\(name)")
    }
    #expect(try Self.vsperf(["--server", server, "--key", "\(issue)", "--attempt=1"]).output == Self.text(issue, issue))
  }

  @Test("what vsd does not know: exit code 69 in the end, with --offline-fallback 0 and the computed ids")
  func unknown() throws {
    let daemon = try VSDProcess()
    let server = "http://127.0.0.1:\(daemon.ports[0])"
    let failed = try Self.vsperf(["--server", server, "--wait=600ms"], Self.gitHub)
    #expect(failed.exit == .code(69))
    #expect(failed.output == "")
    #expect(failed.errors == "vsperf: \(server) does not know \(Self.run)\n")
    let computed = try Self.vsperf(["--server", server, "--wait=0", "--offline-fallback"], Self.gitHub)
    #expect(computed.exit == .code(0))
    #expect(computed.output == Self.text(Self.run, Self.run, attempt: 2))
    #expect(
      computed.errors.hasPrefix("vsperf: \(server) does not know \(Self.run); computed from the key: "), "\(computed.errors)")
    let none = try Self.vsperf(["--offline-fallback"], Self.gitHub.merging(["VS_SERVER_URL": "", "VS_READ_TOKEN": ""]) { $1 })
    #expect(none.exit == .code(0))
    #expect(none.errors.hasPrefix("vsperf: there is no vsd to ask; computed"), "\(none.errors)")
    let stale = try Self.vsperf(["--server", server, "--wait=0", "--key", "\(Self.run)", "--attempt=3"])
    #expect(stale.exit == .code(69))
  }

  @Test("a vsd that hears of the run while it is asked")
  func late() throws {
    let page = #"{"spans":[{"key":"\#(Self.run)","attempt":2,"traceID":"0123456789abcdef0123456789abcdef"}],"next":null}"#
    let receiver = try LoopbackReceiver { number, _ in
      switch number {
      case 0: .status(503, ["Retry-After": "1"])
      case 1: .status(200, [:], #"{"spans":[],"next":null}"#)
      default: .status(200, [:], page)
      }
    }
    let result = try Self.vsperf(["--server", receiver.url], Self.gitHub.merging(["VS_READ_TOKEN": "open sesame"]) { $1 })
    #expect(result.output == "00-0123456789abcdef0123456789abcdef-\(SpanID(key: Self.run, attempt: 2))-01\n")
    #expect(result.errors == "")
    #expect(receiver.requests.count == 3)
    #expect(receiver.requests.allSatisfy { $0.headers["Authorization"] == "Bearer open sesame" })
  }

  @Test(
    "an answer that asking again does not better ends it at once",
    arguments: [
      (401, #"{"title":"Unauthorized"}"#, "answered 401: Unauthorized; VS_READ_TOKEN must be"),
      (403, "no", "answered 403: no"), (404, #"{"detail":"nothing is at this path"}"#, "answered 404: nothing is at this path"),
      (200, "<html>", "answered something that is no list of spans: is that a vsd?"),
    ])
  func refused(status: Int, body: String, says: String) throws {
    let receiver = try LoopbackReceiver([.status(status, [:], body)])
    let result = try Self.vsperf(["--server", receiver.url], Self.gitHub)
    #expect(result.exit == .code(69))
    #expect(result.errors.hasPrefix("vsperf: \(receiver.url) \(says)"), "\(result.errors)")
    #expect(receiver.requests.count == 1)
    #expect(try Self.vsperf(["--server", receiver.url, "--offline-fallback"], Self.gitHub).exit == .code(0))
  }

  @Test("several things of one name are not chosen between")
  func ambiguous() throws {
    let spans = ["1", "2"].map { #"{"key":"github:github.com:\#($0):issue:7","attempt":1,"traceID":"x"}"# }
    let receiver = try LoopbackReceiver([.status(200, [:], #"{"spans":[\#(spans.joined(separator: ","))]}"#)])
    let result = try Self.vsperf(["--server", receiver.url, "--name", "vstrace-github-issue-site-7"])
    #expect(result.exit == .code(64))
    #expect(
      result.errors == "vsperf: several things are called vstrace-github-issue-site-7: github:github.com:1:issue:7, "
        + "github:github.com:2:issue:7; --key says which\n")
  }
}
