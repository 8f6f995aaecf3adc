import Foundation
import GitHubServer
import IntakeClient
import Simulator
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

/// `vsperf import github` against a server that plays GitHub, and a vsd.
@Suite("vsperf import")
struct GitHubImportTests {
  private static let until = Timestamp(seconds: 1_795_543_200)

  private static let deliveries = Array(HistoryGenerator(HistoryConfiguration(seed: 6, days: 4, scale: 0.4, until: until)))

  private static let history = GitHubHistory(deliveries.map { ($0.kind, $0.body) })

  private static func server(_ edit: (inout GitHubHistoryServer) -> Void = { _ in }) -> GitHubHistoryServer {
    var server = GitHubHistoryServer(history)
    server.prefix = "/api/v3"
    edit(&server)
    return server
  }

  private static func gitHub(
    _ server: GitHubHistoryServer = server(), fault: @escaping @Sendable (Int) -> VendorServer.Fault? = { _ in nil }
  ) throws -> VendorServer {
    try VendorServer(fault: fault) { server.answer($0) }
  }

  private static let environment = ["GH_TOKEN": "token", "VS_IMPORT_SECRET": "import me"]

  private static func arguments(_ gitHub: VendorServer, _ more: [String] = []) -> [String] {
    ["import", "github", "--org=harbour", "--repo=*", "--enterprise-domain", gitHub.url] + more
  }

  private static func vsd() throws -> VSDProcess {
    try VSDProcess(["--settle=0s", "--tracer=none", "--store=memory"], environment: environment)
  }

  private static func lines(_ path: String) throws -> [String] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  @Test("into a vsd gives the reports of the webhooks, and the same again from a file")
  func intoVSD() throws {
    let home = try VSDProcess.Home()
    let gitHub = try Self.gitHub(fault: { $0 % 29 == 11 ? VendorServer.Fault.allCases[$0 % 2] : nil })
    let state = "\(home.path)/state"
    let imported = try Self.vsd()
    let result = try VSPerf.run(
      Self.arguments(gitHub, ["--server", "http://127.0.0.1:\(imported.ports[0])", "--state", state]),
      environment: Self.environment)
    #expect(result.exit == .code(0), "\(result.errors)")
    #expect(result.errors.contains("org=harbour") && result.errors.contains(" deliveries="))
    #expect(result.errors.contains("imported "))
    #expect(!FileManager.default.fileExists(atPath: state))

    let webhooks = try Self.vsd()
    for delivery in Self.deliveries {
      let headers = Dictionary(delivery.headers.fields.map { ($0.name, $0.value) }) { first, _ in first }
      _ = try webhooks.post("/github", String(decoding: delivery.body, as: UTF8.self), headers: headers)
    }
    let report = try Self.reports(of: webhooks)
    #expect(report.contains { $0.contains("deploy") })
    #expect(try Self.reports(of: imported) == report)

    let file = "\(home.path)/history.ndjson"
    let written = try VSPerf.run(Self.arguments(gitHub, ["--out", file]), environment: Self.environment)
    #expect(written.exit == .code(0), "\(written.errors)")
    let sent = try VSPerf.run(
      ["import", "send", file, "--server", "http://127.0.0.1:\(imported.ports[0])"], environment: Self.environment)
    #expect(sent.exit == .code(0), "\(sent.errors)")
    let known = try #require(try imported.json("/api/v1/stats")["deliveries"]?["duplicate"]?.int)
    #expect(known == (try Self.lines(file)).count, "the file says what the import said")
    let fresh = try Self.vsd()
    _ = try VSPerf.run(["import", "send", file, "--server", "http://127.0.0.1:\(fresh.ports[0])"], environment: Self.environment)
    #expect(try Self.reports(of: fresh) == report)
  }

  /// The reports that rest on what an import tells.
  private static func reports(of vsd: VSDProcess) throws -> [String] {
    try vsd.waitForAllFacts()
    return try ["dora", "lead-time", "flow", "reviews"].map { name in
      try vsd.get("/api/v1/reports/\(name)?from=2026-11-18T00:00:00Z&to=2026-11-24T18:00:00Z&format=csv").body
    }
  }

  @Test("that is killed again and again goes on where it was, and gives the same")
  func killed() throws {
    let home = try VSDProcess.Home()
    let whole = try Self.gitHub()
    let (file, again) = ("\(home.path)/whole.ndjson", "\(home.path)/again.ndjson")
    #expect(try VSPerf.run(Self.arguments(whole, ["--out", file]), environment: Self.environment).exit == .code(0))
    // Each run is killed after some requests, the first ones within the first page.
    let asked = Mutex((count: 0, limit: 5))
    let running = Mutex<ChildProcess?>(nil)
    let server = Self.server()
    let gitHub = try VendorServer { request in
      let isDue = asked.withLock { asked in
        asked.count += 1
        if asked.count < asked.limit { return false }
        asked = (0, asked.limit + 6)
        return true
      }
      if isDue { running.withLock { $0?.send(SIGKILL) } }
      return server.answer(request)
    }
    var kills = 0
    for _ in 0..<200 {
      let child = try VSPerf.start(
        Self.arguments(gitHub, ["--out", again, "--resume", "--concurrency=1"]), environment: Self.environment)
      running.withLock { $0 = child }
      let exit = try child.waitForExit()
      if exit == .code(0) { break }
      kills += 1
    }
    #expect(kills > 3)
    #expect(try Self.lines(again).sorted() == Self.lines(file).sorted())
    #expect(!FileManager.default.fileExists(atPath: "\(again).resume"))
  }

  @Test("says what it takes, and imports nothing")
  func dryRun() throws {
    let gitHub = try Self.gitHub()
    let result = try VSPerf.run(Self.arguments(gitHub, ["--dry-run"]), environment: ["GH_TOKEN": "token"])
    #expect(result.exit == .code(0), "\(result.errors)")
    let rows = result.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(
      rows.map { $0.first ?? "" }.prefix(7) == [
        "RECORDS", "pull-requests", "issues", "pushes", "deployments", "releases", "workflow-runs",
      ])
    let runs = Self.history.repositories.values.reduce(0) { $0 + $1.runs.count }
    #expect(rows.first { $0.first == "workflow-runs" }?[1] == "\(runs)")
    let changes = Self.history.repositories.values.reduce(0) { $0 + $1.changes.count }
    #expect(rows.first { $0.first == "pull-requests" }?[1] == "\(changes)")
    #expect(result.output.hasSuffix("with 5000 requests an hour, 4000 left now\n"))
    #expect(gitHub.requests.count < 60)
  }

  @Test("of a record that GitHub cannot read costs that record, and the exit code tells")
  func broken() throws {
    let home = try VSDProcess.Home()
    let node = try #require(Self.history.repositories.values.lazy.flatMap(\.changes).first).nodeID
    let gitHub = try Self.gitHub(Self.server { $0.brokenNodes = [node] })
    let result = try VSPerf.run(
      Self.arguments(gitHub, ["--kinds=pull-requests", "--out", "\(home.path)/out"]), environment: Self.environment)
    #expect(result.exit == .code(75))
    #expect(
      result.errors.hasSuffix("vsperf: 1 record could not be read by the server; all others are imported\n"), "\(result.errors)")
  }

  @Test("of records that GitHub cannot read names ten of each list, and the number of the others")
  func manyBroken() throws {
    let home = try VSDProcess.Home()
    let deliveries = HistoryGenerator(HistoryConfiguration(seed: 6, days: 14, scale: 0.8, until: Self.until))
    let history = GitHubHistory(deliveries.map { ($0.kind, $0.body) })
    let repositories = history.repositories.mapValues(\.changes)
    let gitHub = try Self.gitHub(
      Self.server {
        $0.history = history
        $0.brokenNodes = Set(repositories.values.joined().map(\.nodeID))
      })
    let result = try VSPerf.run(
      Self.arguments(gitHub, ["--kinds=pull-requests", "--out", "\(home.path)/out"]), environment: Self.environment)
    #expect(result.exit == .code(75))
    #expect(repositories.values.contains { $0.count > 10 })
    for (name, changes) in repositories where !changes.isEmpty {
      let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("vsperf: \(name) pull-requests: ") }
      #expect(lines.count == min(changes.count, 11), "\(name): \(lines)")
      if changes.count > 10 { #expect(lines.last?.hasSuffix(": \(changes.count - 10) more lines like these") == true) }
    }
  }

  @Test("keeps what it has when vsd goes away, and says how to go on")
  func noReceiver() throws {
    let home = try VSDProcess.Home()
    let gitHub = try Self.gitHub()
    let port = try ReservedPort()
    let arguments = Self.arguments(gitHub, ["--server", "http://127.0.0.1:\(port.number)", "--state", "\(home.path)/state"])
    let result = try VSPerf.run(arguments, environment: Self.environment)
    #expect(result.exit == .code(69))
    #expect(result.errors.contains("cannot send to http://127.0.0.1:\(port.number)"), "\(result.errors)")
    #expect(result.errors.hasSuffix("what was imported stays, and --resume goes on from here\n"), "\(result.errors)")
  }

  @Test(
    "names what is missing in one line",
    arguments: [
      (["--org=harbour", "--repo=*"], "where to? --server URL of a vsd, or --out FILE"),
      (["--org=harbour", "--out=x"], "which repositories? --repo NAME, or --repo '*' for all"),
      (["--org=harbour", "--repo=*", "--out=x", "--server=http://127.0.0.1:1"], "--server and --out do not go together"),
      (["--org=harbour", "--repo=*", "--out=x", "--kinds=commits"], "--kinds"),
    ])
  func mistakes(arguments: [String], message: String) throws {
    let result = try VSPerf.run(["import", "github"] + arguments, environment: ["GH_TOKEN": "token"])
    #expect(result.exit == .code(64))
    #expect(result.errors.contains(message) && result.errors.split(separator: "\n").count == 1, "\(result.errors)")
  }
}
