import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("A delivery that crashes whoever reads it")
struct PoisonGuardTests {
  private let home: VSDProcess.Home

  init() throws {
    home = try VSDProcess.Home()
  }

  private func start(_ bodies: [String] = []) throws -> ChildProcess {
    let vsd = try VSDProcess.binary()
    // Beside the program that runs the tests, also where they run against another vsd.
    let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folder = URL(fileURLWithPath: runner).deletingLastPathComponent()
    let path = folder.appendingPathComponent("CrashingProjector").path
    try #require(FileManager.default.isExecutableFile(atPath: path), "beside \(vsd)")
    // Its crashes are wanted: nobody reads their backtraces.
    return try ChildProcess(path, [home.store] + bodies, environment: ["SWIFT_BACKTRACE": "enable=no"])
  }

  private func crash(_ child: ChildProcess) throws {
    guard case .signal = try child.waitForExit() else { throw TestFailure("did not crash: \(child.output)") }
  }

  @Test("is set aside after it crashed alone three times, and everything else goes on", arguments: ["trap", "overflow", "abort"])
  func setAside(body: String) throws {
    // Once among others, then alone.
    try crash(try start(["ok 1", "ok 2", body, "ok 3", "ok 4"]))
    for _ in 0..<3 { try crash(try start()) }
    let child = try start()
    #expect(try child.waitForExit() == .code(0))
    #expect(
      child.output == "subjects 4, set aside 1, projected 5\n3: it has crashed vsd 3 times\n", "\(child.output)\(child.errors)")
    // It stays so, and what comes after it is projected.
    let next = try start(["ok 5"])
    #expect(try next.waitForExit() == .code(0))
    #expect(next.output.hasPrefix("subjects 5, set aside 1, projected 6\n"))
  }

  @Test("costs no other that crashes as well")
  func several() throws {
    try crash(try start(["trap a", "ok 1", "trap b"]))
    var crashes = 1
    while crashes < 12 {
      let child = try start()
      if case .code(0) = try child.waitForExit() {
        #expect(child.output.hasPrefix("subjects 1, set aside 2, projected 3\n"), "\(child.output)")
        break
      }
      crashes += 1
    }
    #expect(crashes < 12)
  }

  @Test("is set aside as a span, too: after three deaths alone, and the rest is exported")
  func export() throws {
    // Others before it and behind it, in one batch.
    let bodies = ["end 1", "end 2", "end poison", "end 3", "end 4"]
    var exported: [String] = []
    var crashes = 0
    var last: ChildProcess?
    while last == nil, crashes < 12 {
      let child = try start(crashes == 0 ? bodies : [])
      let exit = try child.waitForExit()
      exported += child.outputLines.filter { $0.hasPrefix("exported ") }
      if case .code(0) = exit { last = child } else { crashes += 1 }
    }
    let output = try #require(last).output
    #expect(output.contains("refused poison: it has crashed vsd 3 times on its way out\n"), "\(output)")
    // Once among others, then three times alone.
    #expect(crashes == 4)
    #expect(exported.sorted() == ["exported 1", "exported 2", "exported 3", "exported 4"])
    // It stays so.
    let next = try start(["end 5"])
    #expect(try next.waitForExit() == .code(0))
    #expect(next.outputLines.filter { $0.hasPrefix("exported ") } == ["exported 5"])
  }

  @Test("does not make one of a process that is killed, however often")
  func killed() throws {
    for round in 0..<6 {
      let child = try start(round == 0 ? ["hang"] : [])
      try child.wait(for: "the delivery to be read") { child.output.contains("hanging") ? true : nil }
      child.send(round % 2 == 0 ? SIGKILL : SIGSEGV)
      try crash(child)
    }
    let child = try start()
    try child.wait(for: "the delivery to be read again") { child.output.contains("hanging") ? true : nil }
    child.send(SIGKILL)
    try child.waitForExit()
  }
}
