import Foundation
import Testing
import ValueStreamTesting

/// Walks the pages of the dashboard in a headless browser; `Tests/Browser/walk.py` says what it checks.
@Suite("The pages in a browser")
struct BrowserTests {
  private static let hasRealClock = ProcessInfo.processInfo.environment["FAKETIME"] == nil

  @Test(
    "have no fault that the browser or axe finds, need no script and no mouse, fit a phone, and take hostile texts as texts",
    .enabled(if: hasRealClock, "a browser does not run on another clock"))
  func walk() throws {
    try #require(
      FileManager.default.isExecutableFile(atPath: PythonEnvironment.python.path),
      "Scripts/bootstrap test installs Python's packages")
    let token = "a token for reading"
    let vsd = try VSDProcess(["--store=memory", "--tracer=none"], environment: ["VS_READ_TOKEN": token])
    let script = PythonEnvironment.root.appendingPathComponent("Tests/Browser/walk.py").path
    let result = try PythonEnvironment.run(
      [script, "http://127.0.0.1:\(vsd.ports[0])", try VSPerf.binary(), token], input: .nullDevice)
    #expect(result.status == 0, "\(result.output)")
    #expect(!vsd.hasEnded, "\(vsd.printed)")
  }
}
