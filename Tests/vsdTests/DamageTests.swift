import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("vsd with damaged records")
struct DamageTests {
  private let home: VSDProcess.Home

  init() throws {
    home = try VSDProcess.Home()
  }

  private func start() throws -> VSDProcess { try VSDProcess(["--tracer=none"], in: home) }

  /// Runs SQL on a file of the store while vsd is stopped.
  private func change(_ file: String, _ sql: String) throws {
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()"
    let child = try ChildProcess(
      "/usr/bin/env", ["python3", "-c", script, "\(home.store)/\(file)", sql], environment: ["PATH": "/usr/bin:/bin"])
    let exit = try child.waitForExit()
    try #require(exit == .code(0), "\(child.errors)")
  }

  @Test("leaves out a damaged subject, goes on with everything else, tells of it, and makes it again from the log")
  func subject() throws {
    var vsd = try start()
    for id in ["d1", "d2", "d3"] { try vsd.postCustom(Payloads.custom("start", id)) }
    let spans = try vsd.json("/api/v1/spans")["spans"]?.list ?? []
    #expect(spans.count == 3)
    let second = try #require(spans.first { $0["key"]?.text?.hasSuffix("d2") ?? false })
    let addresses = ["/api/v1/spans/\(second["key"]?.text ?? "")", "/api/v1/traces/\(second["traceID"]?.text ?? "")"]
    for address in addresses { #expect(try vsd.get(address).status == 200) }
    #expect(try vsd.get("/readyz").body == "ok\n")
    try vsd.stop()
    try change("spans.sqlite", "UPDATE subject_data SET data = x'0400' WHERE seq = 2")

    vsd = try start()
    #expect(try vsd.postCustom(Payloads.custom("end", "d2")).hasPrefix("200"))
    #expect(try vsd.postCustom(Payloads.custom("start", "d4")).hasPrefix("200"))
    let page = try vsd.json("/api/v1/spans")
    #expect(page["spans"]?.list.count == 3)
    #expect(page["damaged"]?.int == 1)
    for address in addresses {
      let answer = try vsd.get(address)
      #expect(answer.status == 404 && answer.body.contains("it may be in a damaged record"), "\(answer.body)")
    }
    let ready = try vsd.get("/readyz")
    #expect(ready.status == 200)
    #expect(ready.body.contains("warning: damaged records are passed over (1 of part subject)"))
    let metrics = try vsd.get("/metrics").body
    #expect(metrics.contains(#"valuestream_damaged_records{part="subject"} 1"#))
    #expect(metrics.contains(#"valuestream_projection_set_aside_total{reason="damaged_subject"} 1"#))
    try vsd.waitForLine("the damage") { $0["level"]?.text == "error" && $0["msg"]?.text?.contains("subject customhttp") == true }

    let check = try VSDProcess.run(["check"], in: home)
    #expect(check.exit == .code(65))
    #expect(check.output.contains("subject customhttp"))
    try vsd.stop()
    let repair = try VSDProcess.run(["check", "repair"], in: home)
    #expect(repair.exit == .code(0), "\(repair.output)\(repair.errors)")
    #expect(try VSDProcess.run(["check"], in: home).output == "nothing is damaged\n")

    vsd = try start()
    let mended = try vsd.json("/api/v1/spans")
    #expect(mended["spans"]?.list.count == 4)
    #expect(mended["damaged"] == nil)
    #expect(try vsd.json("/api/v1/spans?state=finished")["spans"]?.list.count == 1)
    #expect(try vsd.get("/readyz").body == "ok\n")
  }

  @Test("reads the log past a damaged delivery")
  func log() throws {
    var vsd = try start()
    for id in ["d1", "d2", "d3"] { try vsd.postCustom(Payloads.custom("start", id)) }
    #expect(try vsd.json("/api/v1/spans")["spans"]?.list.count == 3)
    try vsd.stop()
    try change("log-00000000000000000001.sqlite", "UPDATE delivery_commit SET newest = newest + 1 WHERE first = 2")
    vsd = try start()
    try vsd.postCustom(Payloads.custom("start", "d4"))
    #expect(try vsd.json("/api/v1/spans")["spans"]?.list.count == 4)
    let listed = try vsd.json("/api/v1/deliveries")["deliveries"]?.list ?? []
    #expect(listed.compactMap { $0["id"]?.text } == ["4", "1"], "the third is in one frame with the second")
    #expect(try vsd.get("/api/v1/deliveries/3").status == 500)
    #expect(try vsd.get("/readyz").body.contains("1 of part delivery"))
    try vsd.stop()
    let check = try VSDProcess.run(["check"], in: home)
    #expect(check.exit == .code(65))
    #expect(check.output.contains("delivery 2 to 3: "))
    let repair = try VSDProcess.run(["check", "repair"], in: home)
    #expect(repair.exit == .code(0), "\(repair.output)\(repair.errors)")
    #expect(try VSDProcess.run(["check"], in: home).output == "nothing is damaged\n")
    // A replay keeps facts that only the spans still hold, because their deliveries are lost.
    #expect(try VSDProcess.run(["replay", "apply"], in: home).exit == .code(0))
    vsd = try start()
    #expect(try vsd.json("/api/v1/spans")["spans"]?.list.count == 4)
    #expect(try vsd.get("/readyz").body == "ok\n")
  }
}
