import Testing
import ValueStreamTesting

@Suite("The tracers of vsd")
struct ExportTests {
  private static func message(_ line: JSON) -> String? { line["msg"]?.text }

  @Test(
    "logging writes one line per finished span, whatever the level of other lines",
    arguments: [["--tracer=logging"], ["-t", "logger"], ["--tracer=logger,logging"], []])
  func logging(arguments: [String]) throws {
    let vsd = try VSDProcess(arguments + ["--settle=0s"])
    try vsd.postGitHub("issues", Payloads.issue("opened", number: 36), delivery: "a")
    try vsd.postGitHub("issues", Payloads.issue("closed", number: 36, closed: "2024-03-04T10:00:00Z"), delivery: "b")
    let line = try vsd.waitForLine("the span") { Self.message($0) == "finished span" }
    let span = try #require(line["span"])
    #expect(span == (try vsd.json("/api/v1/spans")["spans"]?.list.first))
    #expect(span["key"] == "github:github.com:197483389:issue:36")
    #expect(span["start"] == "2024-03-04T09:00:00Z")
    #expect(span["end"] == "2024-03-04T10:00:00Z")
    #expect(try vsd.stop() == .code(0))
    #expect(try vsd.logLines().filter { Self.message($0) == "finished span" }.count == 1)
  }

  @Test(
    "chosen attributes only",
    arguments: [("classic", "service", "vcs.repository.name"), ("semconv", "vcs.repository.name", "service")])
  func attributes(choice: String, present: String, absent: String) throws {
    let vsd = try VSDProcess(["--settle=0s", "--attributes", choice])
    try vsd.postGitHub("issues", Payloads.issue("closed", number: 1, closed: "2024-03-04T10:00:00Z"))
    let attributes = try vsd.waitForLine("the span") { Self.message($0) == "finished span" }["span"]?["attributes"]?.members
    #expect(attributes?[present] != nil)
    #expect(attributes?[absent] == nil)
  }

  @Test("what had not settled when vsd stopped is exported after the next start, once")
  func afterRestart() throws {
    let first = try VSDProcess(["--settle=1h"])
    try first.postGitHub("issues", Payloads.issue("closed", number: 1, closed: "2024-03-04T10:00:00Z"))
    #expect(try first.json("/api/v1/stats")["exporters"] == ["logging": ["pending": 1, "sent": 0, "refused": 0, "dropped": 0]])
    try first.stop()
    #expect(try !first.logLines().contains { Self.message($0) == "finished span" })
    let second = try VSDProcess(["--settle=0s"], in: first.home)
    try second.waitForLine("the span") { Self.message($0) == "finished span" }
    try second.stop()
    let third = try VSDProcess(["--settle=0s"], in: first.home)
    #expect(try third.json("/api/v1/stats")["exporters"] == ["logging": ["pending": 0, "sent": 1, "refused": 0, "dropped": 0]])
    try third.stop()
    #expect(try !third.logLines().contains { Self.message($0) == "finished span" })
  }

  @Test("in memory nothing comes back, so what has not settled goes out at the end")
  func memory() throws {
    let vsd = try VSDProcess(["--settle=1h", "--store=memory"])
    try vsd.postGitHub("issues", Payloads.issue("closed", number: 1, closed: "2024-03-04T10:00:00Z"))
    try vsd.stop()
    #expect(try vsd.logLines().filter { Self.message($0) == "finished span" }.count == 1)
  }

  @Test("none exports nothing and shows spans all the same")
  func none() throws {
    let vsd = try VSDProcess(["--tracer=none"])
    try vsd.postGitHub("issues", Payloads.issue("closed", number: 1, closed: "2024-03-04T10:00:00Z"))
    #expect(try vsd.json("/api/v1/spans")["spans"]?.list.count == 1)
    #expect(try vsd.json("/api/v1/stats")["exporters"] == [:])
    #expect(try vsd.get("/mocktracer/finished-spans").status == 404)
    #expect(try vsd.get("/mocktracer/reset").status == 404)
  }

  @Test("mock beside logging serves both")
  func mockAndLogging() throws {
    let vsd = try VSDProcess(["--tracer=mock,logging", "--store=memory", "--settle=0s"])
    try vsd.postGitHub("issues", Payloads.issue("closed", number: 1, closed: "2024-03-04T10:00:00Z"))
    #expect(try JSON(parsing: vsd.get("/mocktracer/finished-spans").body).list.count == 1)
    try vsd.waitForLine("the span") { Self.message($0) == "finished span" }
  }
}
