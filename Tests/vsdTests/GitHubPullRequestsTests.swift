import Foundation
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("vsperf github pull-requests")
struct GitHubPullRequestsTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path
  private static let token = "ghp_open_sesame"
  private static let header =
    "owner,repo,created_at,merged,duration,comments,additions,deletions,total_changes,duration_per_comment,duration_per_line,ID,"
    + "merged_at,closed_at,updated_at,author,url,title,Reviewers"

  private static func server(
    _ counts: [String: Int] = ["app": 7, "docs": 0, "site": 23],
    fault: @escaping @Sendable (Int) -> VendorServer.Fault? = { _ in nil }
  ) throws -> VendorServer {
    let gitHub = GitHubGraphQL.pullRequests(counts)
    return try VendorServer(fault: fault, answer: gitHub.answer)
  }

  private static let environment = ["VS_PERF_REPORT_GITHUB_ACCESS_TOKEN": token, "GH_TOKEN": "", "GITHUB_TOKEN": ""]

  private static func words(_ server: VendorServer, _ arguments: [String], command: String = "pull-requests") -> [String] {
    ["github", command, "--enterprise-domain", server.url] + arguments
  }

  private static func start(
    _ server: VendorServer, _ arguments: [String], command: String = "pull-requests"
  ) throws -> ChildProcess {
    try VSPerf.start(words(server, arguments, command: command), environment: environment)
  }

  private static func run(_ server: VendorServer, _ arguments: String...) throws -> VSPerf.Result {
    try VSPerf.run(words(server, arguments), environment: environment)
  }

  private static func file() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("prs-\(UUID().uuidString).csv").path
  }

  @Test("the flags and columns of the program of 2019, and a line for each page on standard error")
  func contract() throws {
    let server = try Self.server()
    let result = try Self.run(
      server, "-org", "acme", "-repo=site", "--repo=app", "-pr-state=MERGED", "-prs-per-page", "10", "-repos-per-page=50",
      "-max-repos=500", "-max-prs=100", "-wait-between-requests=1ms", "-out=STDOUT")
    #expect(result.exit == .code(0), "\(result.errors)")
    #expect(result.output.hasPrefix(Self.header + "\n"))
    Golden.expect(result.output, matches: "\(Self.folder)/pull-requests.csv")
    let lines = result.errors.split(separator: "\n").map(String.init)
    #expect(
      Array(lines.dropLast()) == [
        "page=1 is_last=false repo=site org=acme rows=10", "page=2 is_last=false repo=site org=acme rows=10",
        "page=3 is_last=true repo=site org=acme rows=3", "page=1 is_last=true repo=app org=acme rows=7",
      ])
    #expect(lines.last?.hasPrefix("wrote 30 rows to standard output in ") == true)
    #expect(server.requests.allSatisfy { $0.target == "/api/graphql" && $0.headers["Authorization"] == "Bearer \(Self.token)" })
    let body = try JSON(parsing: String(decoding: server.requests[0].body, as: UTF8.self))
    #expect(body["query"]?.text?.contains("orderBy:{field:UPDATED_AT,direction:DESC}") == true)
    #expect(body["query"]?.text?.contains("states:[MERGED]") == true)
  }

  @Test("'*' is every repository of the organisation; further columns on demand")
  func everything() throws {
    let server = try Self.server()
    let all = try Self.run(server, "--org=acme", "--repo=*", "--columns=all", "--repos-per-page=2")
    #expect(all.exit == .code(0), "\(all.errors)")
    Golden.expect(all.output, matches: "\(Self.folder)/pull-requests-all.csv")
    let some = try Self.run(server, "--org=acme", "--repo=*", "--max-repos=2")
    #expect(some.output.split(separator: "\n").count == 8)
    #expect(
      some.errors.hasPrefix(
        "vsperf: acme has 3 repositories, of which the first 2 by name are read; --max-repos sets how many\n"),
      "\(some.errors)")
    let few = try Self.run(server, "--org=acme", "--repo=site", "--max-prs=5", "--prs-per-page=3")
    #expect(few.output.split(separator: "\n").count == 6)
    #expect(few.errors.contains("vsperf: acme/site: there are more than 5; --max-prs sets how many are read\n"), "\(few.errors)")
  }

  @Test("since and until are of when they were merged, and lift the limit")
  func period() throws {
    let server = try Self.server(["site": 250])
    let result = try Self.run(server, "--repo=acme/site", "--since=2026-11-15", "--until=2026-11-29T12:00:00Z")
    let rows = result.output.split(separator: "\n").dropFirst()
    #expect(rows.count == 174)
    #expect(server.requests.count == 2)
    #expect(
      try Self.run(server, "--repo=acme/site", "--since=2026-11-15", "--max-prs=9").output.split(separator: "\n").count == 10)
  }

  @Test("whatever goes wrong on the way, the file is the same", arguments: VendorServer.Fault.allCases)
  func faults(fault: VendorServer.Fault) throws {
    let plain = try Self.server()
    let expected = try Self.run(plain, "--org=acme", "--repo=*", "--prs-per-page=5").output
    // The first request fails, and some later ones.
    let server = try Self.server { [0, 3, 4].contains($0) ? fault : nil }
    let result = try Self.run(server, "--org=acme", "--repo=*", "--prs-per-page=5", "--concurrency=1")
    #expect(result.exit == .code(0), "\(result.errors)")
    #expect(result.output == expected)
    #expect(server.violations == 0)
    #expect(!result.errors.contains(Self.token) && !result.errors.contains("Bearer"))
  }

  @Test("several repositories at a time give the same file")
  func concurrency() throws {
    let counts = Dictionary(uniqueKeysWithValues: (0..<12).map { ("repo\($0)", $0 * 3) })
    let expected = try Self.run(try Self.server(counts), "--org=acme", "--repo=*", "--prs-per-page=4", "--concurrency=1").output
    let server = try Self.server(counts) { $0 % 4 == 1 ? .badGateway : nil }
    let result = try Self.run(server, "--org=acme", "--repo=*", "--prs-per-page=4", "--concurrency=8")
    #expect(result.exit == .code(0), "\(result.errors)")
    #expect(result.output == expected)
    #expect(Set(server.requests.map(\.connection)).count > 1)
  }

  @Test("a page that takes too long is asked for in smaller pieces")
  func smallerPages() throws {
    let server = try Self.server(["site": 23]) { $0 < 2 ? .graphQLTimeout : nil }
    let result = try Self.run(server, "--repo=acme/site", "--prs-per-page=20")
    #expect(result.exit == .code(0), "\(result.errors)")
    #expect(result.output.split(separator: "\n").count == 24)
    let sizes = try server.requests.map {
      try JSON(parsing: String(decoding: $0.body, as: UTF8.self))["variables"]?["first"]?.int
    }
    // After a failure, the page size that worked is used for all further requests.
    #expect(sizes == [20, 20, 10, 10, 10])
  }

  @Test("a run that was killed leaves whole rows, and another goes on with it", arguments: [1, 3])
  func resume(concurrency: Int) throws {
    let counts = ["a": 30, "b": 45, "c": 0, "d": 12]
    let file = Self.file()
    defer { for name in [file, file + ".resume"] { try? FileManager.default.removeItem(atPath: name) } }
    let arguments = ["--org=acme", "--repo=*", "--prs-per-page=5", "--concurrency=\(concurrency)", "--out", file]
    let server = try Self.server(counts)
    let whole = try Self.start(server, arguments)
    #expect(try whole.waitForExit() == .code(0), "\(whole.errors)")
    let expected = try String(contentsOfFile: file, encoding: .utf8)
    #expect(!FileManager.default.fileExists(atPath: file + ".resume"))
    // Slow down the run, so that the test can kill it in the middle.
    let slow = try Self.start(server, arguments + ["--wait-between-requests=100ms"])
    try slow.wait(for: "some pages") { slow.errors.split(separator: "\n").count >= 8 ? true : nil }
    slow.send(SIGKILL)
    try slow.waitForExit()
    let part = try String(contentsOfFile: file, encoding: .utf8)
    #expect(expected.hasPrefix(part) && part.hasSuffix("\n") && part.count < expected.count)
    // Append an incomplete row, as an interrupted write leaves it.
    try (part + "acme,b,2026").write(toFile: file, atomically: false, encoding: .utf8)
    let before = server.requests.count
    let rest = try Self.start(server, arguments + ["--resume"])
    #expect(try rest.waitForExit() == .code(0), "\(rest.errors)")
    #expect(try String(contentsOfFile: file, encoding: .utf8) == expected)
    #expect(server.requests.count - before < 20)
    #expect(!FileManager.default.fileExists(atPath: file + ".resume"))
  }

  @Test("what does not fit is not gone on with")
  func otherSettings() throws {
    let file = Self.file()
    defer { for name in [file, file + ".resume"] { try? FileManager.default.removeItem(atPath: name) } }
    let server = try Self.server(["site": 30]) { $0 > 1 ? .badGateway : nil }
    let first = try Self.start(server, ["--repo=acme/site", "--prs-per-page=5", "--out", file])
    try first.wait(for: "two pages") { first.errors.contains("page=2") ? true : nil }
    first.send(SIGTERM)
    #expect(try first.waitForExit() == .signal(SIGTERM))
    let other = try Self.run(server, "--repo=acme/app", "--out=\(file)", "--resume")
    #expect(other.exit == .code(64))
    #expect(
      other.errors.contains(
        "is of a run with other settings (github pull-requests --repo=acme/site --enterprise-domain=\(server.url) "
          + "--prs-per-page=5)"), "\(other.errors)")
    let otherPages = try Self.run(server, "--repo=acme/site", "--prs-per-page=7", "--out=\(file)", "--resume")
    #expect(otherPages.exit == .code(64))
    #expect(!(try String(contentsOfFile: file + ".resume", encoding: .utf8)).contains(Self.token))
    try Data().write(to: URL(fileURLWithPath: file))
    let shorter = try Self.run(server, "--repo=acme/site", "--prs-per-page=5", "--out=\(file)", "--resume")
    #expect(shorter.exit == .code(65))
    #expect(shorter.errors == "vsperf: \(file) is shorter than it was left\n")
  }

  @Test("a repository that cannot be read is named, and costs no other")
  func leftOut() throws {
    let result = try Self.run(try Self.server(), "--org=acme", "--repo=nothing", "--repo=app")
    #expect(result.exit == .code(69))
    #expect(result.output.split(separator: "\n").count == 8)
    #expect(result.errors.contains("vsperf: acme/nothing is left out: Could not resolve to a Repository"), "\(result.errors)")
    #expect(result.errors.hasSuffix("vsperf: 1 of 2 could not be read: acme/nothing\n"))
    let organization = try Self.run(try Self.server(), "--org=nobody", "--repo=*")
    #expect(organization.exit == .code(69))
    #expect(organization.errors == "vsperf: there is no organisation or user nobody, or the token may not see it\n")
  }

  @Test("a repository that always fails costs no other, and can be gone on with")
  func failing() throws {
    let file = Self.file()
    defer { for name in [file, file + ".resume"] { try? FileManager.default.removeItem(atPath: name) } }
    let gitHub = GitHubGraphQL.pullRequests(["a": 4, "b": 12, "c": 3])
    let isMended = Mutex(false)
    let server = try VendorServer { request in
      let body = String(decoding: request.body, as: UTF8.self)
      guard body.contains(#""name":"b""#), body.contains("cursor:5"), !isMended.withLock({ $0 }) else {
        return gitHub.answer(request)
      }
      return .json(#"{"data":null,"errors":[{"message":"that went wrong"}]}"#)
    }
    let arguments = ["--org=acme", "--repo=*", "--prs-per-page=5", "--out=\(file)", "--resume"]
    func run() throws -> VSPerf.Result { try VSPerf.run(Self.words(server, arguments), environment: Self.environment) }
    func repositories() throws -> [Substring] {
      try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").dropFirst().map { $0.split(separator: ",")[1] }
    }
    for attempt in 1...2 {
      let first = try run()
      #expect(first.exit == .code(69))
      #expect(first.errors.contains("vsperf: acme/b is left out: that went wrong\n"), "\(first.errors)")
      #expect(first.errors.hasSuffix("vsperf: 1 of 3 could not be read: acme/b; --resume asks for them again\n"), "\(attempt)")
      #expect(try repositories() == Array(repeating: "a", count: 4) + Array(repeating: "b", count: 5) + ["c", "c", "c"])
    }
    isMended.withLock { $0 = true }
    let second = try run()
    #expect(second.exit == .code(0), "\(second.errors)")
    #expect(try repositories().count(where: { $0 == "b" }) == 12)
    #expect(try repositories().count == 19)
    #expect(!FileManager.default.fileExists(atPath: file + ".resume"))
  }

  @Test("beside a pipe or a device no state is kept")
  func pipe() throws {
    let pipe = Self.file()
    defer { for name in [pipe, pipe + ".resume", pipe + ".copy"] { try? FileManager.default.removeItem(atPath: name) } }
    try #require(mkfifo(pipe, 0o600) == 0)
    let server = try Self.server()
    let reader = Process()
    reader.executableURL = URL(fileURLWithPath: "/bin/sh")
    reader.arguments = ["-c", "cat \(pipe) > \(pipe).copy"]
    try reader.run()
    let result = try Self.run(server, "--repo=acme/app", "--repo=acme/nothing", "--out", pipe)
    reader.waitUntilExit()
    #expect(result.errors.hasSuffix("vsperf: 1 of 2 could not be read: acme/nothing\n"), "\(result.errors)")
    #expect(try String(contentsOfFile: pipe + ".copy", encoding: .utf8).split(separator: "\n").count == 8)
    #expect(!FileManager.default.fileExists(atPath: pipe + ".resume"))
    let resumed = try Self.run(server, "--repo=acme/app", "--out=/dev/null", "--resume")
    #expect(resumed.exit == .code(64))
    #expect(resumed.errors.hasPrefix("vsperf: --resume needs --out FILE"), "\(resumed.errors)")
  }

  @Test(
    "what is missing is said in one line",
    arguments: [
      (["--org=acme", "--repo=site"], "GitHub wants a token: make one at https://github.com/settings/tokens that may read"),
      (
        ["--org=acme", "--repo=site", "--enterprise-domain=git.acme.example"],
        "GitHub wants a token: make one at https://git.acme.example/"
      ),
      (["--org=acme"], "which repositories? --repo NAME, or --repo '*' for all"),
      (["--repo=*"], "whose repositories? --org NAME"),
      (["--repo=site"], "whose site? --org NAME"), (["--repo=a/b", "--resume"], "--resume needs --out FILE"),
      (["--repo=a/b", "--prs-per-page=101"], "flag --prs-per-page: \"101\" is not a number from 1 to 100"),
      (["--repo=a/b", "--pr-state=merged"], "flag --pr-state: \"merged\" is not one of CLOSED, MERGED, OPEN"),
      (["--repo=a/b", "--since=yesterday"], "flag --since: \"yesterday\" is not a time such as"),
    ])
  func mistakes(arguments: [String], says: String) throws {
    let result = try VSPerf.run(
      ["github", "pull-requests"] + arguments,
      environment: ["GH_TOKEN": says.contains("token") ? "" : "x", "GITHUB_TOKEN": ""])
    #expect(result.exit == .code(64), "\(result.errors)")
    #expect(result.errors.hasPrefix("vsperf: \(says)"), "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  @Test("a proxy is asked for what it alone can reach", arguments: [true, false])
  func proxy(isFlag: Bool) throws {
    let server = try Self.server()
    let arguments = ["github", "pull-requests", "--enterprise-domain=http://git.acme.example", "--repo=acme/app"]
    let result = try VSPerf.run(
      arguments + (isFlag ? ["--proxy", server.url] : []),
      environment: ["GH_TOKEN": Self.token].merging(isFlag ? [:] : ["http_proxy": server.url]) { $1 })
    #expect(result.exit == .code(0), "\(result.errors)")
    #expect(result.output.split(separator: "\n").count == 8)
    #expect(server.requests.first?.target == "http://git.acme.example/api/graphql")
  }

  @Test("a token that is not taken: exit code 69, and the token is not shown")
  func unauthorized() throws {
    let server = try VendorServer { _ in .json(Array(#"{"message":"Bad credentials"}"#.utf8), status: 401) }
    let result = try Self.run(server, "--repo=acme/site")
    #expect(result.exit == .code(69))
    #expect(result.errors == "vsperf: \(server.url)/api/graphql answered 401: Bad credentials; is the token right?\n")
  }
}
