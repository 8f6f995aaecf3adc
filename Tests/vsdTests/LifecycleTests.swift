import Catalog
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite("The life of vsd")
struct LifecycleTests {
  static let sources = SourceCatalog.all.map(\.name)

  @Test("at start it names each source, warns of those without secret, then says where it listens")
  func startLines() throws {
    let vsd = try VSDProcess(["--tracer=mock"])
    let lines = try vsd.logLines()
    #expect(
      lines.map { "\($0["level"]?.text ?? ""): \($0["msg"]?.text ?? "")" }
        == Self.sources.map { #"info: initializing source: "\#($0)""# }
        + Self.sources.map { #"warn: source "\#($0)" has no secret: anybody who reaches /\#($0) may send it deliveries"# }
        + [#"info: Starting Server: "127.0.0.1:0""#])
    for line in lines { #expect(Timestamp(rfc3339: line["time"]?.text ?? "") != nil) }
  }

  @Test("every interface is written as the user wrote it")
  func everyInterface() throws {
    let vsd = try VSDProcess(["--tracer=mock", "--addr=:0"])
    #expect(try vsd.logLines().last?["msg"] == #"Starting Server: ":0""#)
    #expect(try vsd.get("/healthz").status == 200)
  }

  @Test("a file says where it listens, whatever the log says, and is gone when it has stopped")
  func listeningFile() throws {
    let home = try VSDProcess.Home()
    let file = "\(home.path)/listening"
    let child = try VSDProcess.start(
      ["--tracer=mock", "--log-level=error", "--listening-file=\(file)", "--admin-addr=127.0.0.1:0"], in: home)
    let addresses = try child.wait(for: "the file") { try? String(contentsOfFile: file, encoding: .utf8) }
      .split(separator: "\n").map(String.init)
    #expect(addresses.count == 2)
    for address in addresses {
      let port = try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
      #expect(try HTTPConnection(to: "127.0.0.1", port: port).request("GET", "/healthz").status == 200)
    }
    child.send(SIGTERM)
    #expect(try child.waitForExit() == .code(0))
    #expect(!FileManager.default.fileExists(atPath: file))
    let unwritable = try VSDProcess.run(["--tracer=mock", "--listening-file=\(home.path)/none/listening"], in: home)
    #expect(unwritable.exit == .code(74))
    #expect(unwritable.errors.hasPrefix("vsd: cannot write the addresses to \(home.path)/none/listening: "))
  }

  @Test("make run prints how to try vsd, its process and the addresses of both listeners, whatever the log level")
  func hints() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let home = try VSDProcess.Home()
    let child = try ChildProcess(
      root.appendingPathComponent("Scripts/run").path,
      [try VSDProcess.binary(), "--tracer=mock", "--log-level=warn", "--addr=127.0.0.1:0", "--admin-addr=127.0.0.1:0"],
      environment: ["HOME": home.path, "PATH": "/usr/bin:/bin"])
    try child.wait(for: "the hints") { child.output.contains("Ctrl-C stops vsd") ? true : nil }
    let output = child.output
    #expect(output.contains("(process \(child.id))"), "\(output)")
    #expect(output.contains(#"curl -w '\n' http://127.0.0.1:"#), "the answer ends its line")
    let admin = try #require(output.firstMatch(of: /Metrics +http:\/\/127\.0\.0\.1:([0-9]+)\/metrics/)?.output.1)
    let pages = try HTTPConnection(port: try #require(UInt16(admin)))
    #expect(try pages.request("GET", "/metrics").status == 200)
    #expect(output.contains("Dashboard    http://127.0.0.1:\(admin)/\n"), "\(output)")
    #expect(try pages.request("GET", "/").status == 200)
    child.send(SIGTERM)
    #expect(try child.waitForExit() == .code(0))
  }

  @Test("only sources without secret are warned of")
  func warnings() throws {
    let environment = ["VS_GITHUB_SECRET": "one,two"]
    let vsd = try VSDProcess(["--tracer=mock"], environment: environment)
    let warnings = try vsd.logLines().filter { $0["level"] == "warn" }.map { $0["msg"]?.text ?? "" }
    #expect(warnings.count == Self.sources.count - 1)
    #expect(warnings.allSatisfy { !$0.contains("github") })
  }

  @Test(
    "the level of log lines may be written in any case",
    arguments: [
      ("debug", sources.count * 2 + 1), ("INFO", sources.count * 2 + 1), ("Info", sources.count * 2 + 1),
      ("wArN", sources.count), ("WARN", sources.count), ("ERROR", 0),
    ])
  func logLevel(level: String, count: Int) throws {
    // Without log lines, vsd cannot tell which port the system chose. A port in use on another address is free on this one.
    let neighbour = try VSDProcess(["--tracer=mock"])
    let (host, port) = ("127.0.0.2", neighbour.ports[0])
    let child = try VSDProcess.start(
      ["--tracer=mock", "--addr=\(host):\(port)"], environment: ["VS_LOG_LEVEL": level], in: neighbour.home)
    try child.wait(for: "the server") { try? HTTPConnection(to: host, port: port).request("GET", "/healthz") }
    child.send(SIGTERM)
    #expect(try child.waitForExit() == .code(0))
    #expect(child.outputLines.filter { !$0.contains(#""msg":"stopped""#) }.count == count)
  }

  @Test("a signal ends it with exit code 0, however early it comes after the start", arguments: [SIGTERM, SIGINT])
  func earlySignal(signal: Int32) throws {
    for _ in 0..<10 {
      let vsd = try VSDProcess()
      vsd.send(signal)
      #expect(try vsd.waitForExit() == .code(0))
    }
  }

  @Test("a request in flight is answered before it stops, and kept", arguments: [SIGTERM, SIGINT])
  func requestInFlight(signal: Int32) throws {
    let home = try VSDProcess.Home()
    let vsd = try VSDProcess(in: home)
    let body = Payloads.issue("opened", number: 7)
    let connection = try vsd.connect()
    // After one answer the server has accepted the connection. The signal comes while the next request is half sent.
    #expect(try connection.request("GET", "/healthz").status == 200)
    try connection.send(
      "POST /github HTTP/1.1\r\nHost: localhost\r\nX-GitHub-Event: issues\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
    try connection.send(String(body.prefix(200)))
    try waitForUpload(vsd)
    vsd.send(signal)
    try vsd.wait(for: "the end of accepting") { try isRefused(vsd.ports[0]) ? true : nil }
    try connection.send(String(body.dropFirst(200)))
    #expect(try connection.response().body == "success")
    #expect(try vsd.waitForExit() == .code(0))
    #expect(try vsd.logLines().last?["msg"] == "stopped")

    let next = try VSDProcess(in: home)
    #expect(try next.json("/api/v1/spans")["spans"]?.list.count == 1)
  }

  /// Waits until the server has read the first part of an upload, so that its socket buffer is empty.
  private func waitForUpload(_ vsd: VSDProcess) throws {
    let port = String(vsd.ports[0], radix: 16, uppercase: true)
    let server = ":" + String(repeating: "0", count: 4 - port.count) + port
    try vsd.wait(for: "the upload") {
      let table = try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8)
      let isWaiting = table.split(separator: "\n").contains { line in
        let fields = line.split(separator: " ").map(String.init)
        // Fields: local address, state (01 is established), bytes to send and to read.
        return fields.count > 4 && fields[1].hasSuffix(server) && fields[3] == "01" && !fields[4].hasSuffix(":00000000")
      }
      return isWaiting ? nil : true
    }
  }

  private func isRefused(_ port: UInt16) throws -> Bool {
    (try? HTTPConnection(port: port)) == nil
  }

  @Test("connections nobody uses do not hold up the end")
  func idleConnections() throws {
    let vsd = try VSDProcess(["--tracer=none"])
    let silent = try vsd.connect()
    let used = try vsd.connect()
    #expect(try used.request("GET", "/healthz").status == 200)
    #expect(try vsd.stop() == .code(0))
    withExtendedLifetime((silent, used)) {}
  }

  @Test("the store is where the base directories of XDG say, for its owner alone; in memory there is none")
  func storePlace() throws {
    let home = try VSDProcess.Home()
    try VSDProcess(["--tracer=mock"], in: home).stop()
    try VSDProcess(["--store=memory"], in: home).stop()
    #expect(try FileManager.default.contentsOfDirectory(atPath: home.path).isEmpty)
    for (state, store) in [
      ("\(home.path)/state", "\(home.path)/state/valuestream"), ("not/absolute", home.store), ("", home.store),
    ] {
      try VSDProcess(environment: ["XDG_STATE_HOME": state], in: home).stop()
      let mode = try FileManager.default.attributesOfItem(atPath: store)[.posixPermissions] as? NSNumber
      #expect(mode?.intValue == 0o700)
      try FileManager.default.removeItem(atPath: store)
    }
  }

  @Test("secrets and tokens are printed nowhere, whatever happens")
  func secrets() throws {
    let home = try VSDProcess.Home()
    let file = try home.write("customhttp.secret", "hush-file-1,hush-file-2\n")
    let environment = [
      "VS_GITHUB_SECRET": "hush-github-1,hush-github-2", "VS_CUSTOMHTTP_SECRET_FILE": file, "VS_READ_TOKEN": "hush-token",
      "VS_LOG_LEVEL": "debug",
    ]
    let vsd = try VSDProcess(["--settle=0s"], environment: environment, in: home)
    let body = Payloads.issue("closed", number: 1, closed: "2024-03-04T10:00:00Z")
    for secret in ["hush-github-1", "hush-github-2", "wrong"] {
      let headers = ["X-GitHub-Event": "issues", "X-Hub-Signature-256": gitHubSignature(of: body, secret: secret)]
      try vsd.post("/github", body, headers: headers)
    }
    try vsd.post("/customhttp", Payloads.custom("end", "d1"), headers: ["X-VS-Signature": "nonsense"])
    try vsd.post("/customhttp", "hush-body", headers: ["X-VS-Signature": gitHubSignature(of: "hush-body", secret: "hush-file-2")])
    var answers = ""
    for path in ["/api/v1/spans", "/api/v1/stats", "/metrics", "/healthz", "/nowhere", "/api/v1/spans?limit=hush"] {
      answers += try vsd.get(path).body
      answers += try vsd.get(path, headers: ["Authorization": "Bearer hush-token"]).body
      answers += try vsd.get(path, headers: ["Authorization": "Bearer hush-token-not"]).body
    }
    try vsd.waitForLine("the exported span") { $0["msg"] == "finished span" }
    #expect(try vsd.stop() == .code(0))
    #expect(!answers.replacing("limit=hush", with: "").contains("hush"))
    #expect(!vsd.printed.contains("hush"), "\(vsd.printed)")
  }

  @Test("a store of a newer version is refused with exit code 74, and left alone", arguments: ["spans", "log-"])
  func newerStore(prefix: String) throws {
    let home = try VSDProcess.Home()
    try VSDProcess(in: home).stop()
    let names = try FileManager.default.contentsOfDirectory(atPath: home.store)
    let name = try #require(names.first { $0.hasPrefix(prefix) && $0.hasSuffix(".sqlite") })
    let path = "\(home.store)/\(name)"
    var content = try Data(contentsOf: URL(fileURLWithPath: path))
    // At this offset, SQLite's header has the version of the layout (`user_version`).
    content.replaceSubrange(60..<64, with: [0, 0, 0, 99])
    try content.write(to: URL(fileURLWithPath: path))

    let (exit, _, errors) = try VSDProcess.run([], in: home)
    #expect(exit == .code(74))
    #expect(errors.hasPrefix("vsd: "))
    #expect(errors.contains(path) && errors.contains("version 99"), "\(errors)")
    #expect(errors.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == content)
  }

  @Test("too few open files are an error of one line, with a code of its own")
  func fewOpenFiles() throws {
    let child = try ChildProcess(
      "/bin/sh", ["-c", "ulimit -n 16; exec \"$0\" --addr 127.0.0.1:0 --tracer=mock", try VSDProcess.binary()],
      environment: ["HOME": try VSDProcess.Home().path])
    #expect(try child.waitForExit() == .code(71))
    #expect(child.errors.hasPrefix("vsd: at most 16 files may be open"))
  }

  @Test("a reader of standard output who does not read stops neither deliveries nor the end")
  func unreadOutput() throws {
    let home = try VSDProcess.Home()
    let port = try ReservedPort()
    // Standard output is a pipe that `sleep` holds open and never reads.
    let child = try ChildProcess(
      "/bin/sh",
      [
        "-c",
        #"mkfifo "$1/out" && sleep 60 < "$1/out" & sleeper=$!; "#
          + #"until [ -p "$1/out" ]; do :; done; "$0" --addr "127.0.0.1:$2" --tracer=logging --settle=0s --log-level debug > "$1/out" & vsd=$!; "#
          + #"trap 'kill $vsd' TERM; wait $vsd; wait $vsd; code=$?; kill $sleeper; exit $code"#,
        try VSDProcess.binary(), home.path, "\(port.number)",
      ], environment: ["HOME": home.path, "PATH": "/usr/bin:/bin"])
    try child.wait(for: "the server") { try? HTTPConnection(to: "127.0.0.1", port: port.number).request("GET", "/healthz") }
    let connection = try HTTPConnection(to: "127.0.0.1", port: port.number)
    let name = String(repeating: "x", count: 1000)
    for index in 0..<300 {
      let body = #"{"type":"build","id":"\#(index)","action":"end","name":"\#(name)"}"#
      #expect(try connection.request("POST", "/customhttp", body: body).status == 200)
    }
    child.send(SIGTERM)
    #expect(try child.waitForExit() == .code(0))
  }
}
