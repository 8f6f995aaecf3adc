import Synchronization
import Testing
import ValueStreamCore

@testable import Projection

/// Tests that no single item stops the computation of facts, whether it fails for good or crashes the process.
@Suite("Failures of the computation of facts")
struct FactFailureTests {
  @Test("A changed subject that keeps crashing the process is set aside, and the facts of all others are computed")
  func crashingSubject() throws {
    let bench = try FactBench()
    try bench.tellIssue(type: "Story")
    bench.crash(on: FactBench.changeKey(7))
    try bench.tellChanges(1...20)
    try bench.computeAll()
    // In a step with all, and three times alone.
    #expect(bench.crashes == 4)
    #expect(try Set(bench.types().keys) == Set(1...20).subtracting([7]))
    #expect(bench.setAside("crash") == 1)
    #expect(bench.worker.warnings.count == 1)
    // What is told of it later crashes nothing, not even after a restart.
    try bench.restart()
    try bench.tellChanges([7, 21], second: 5)
    try bench.computeAll()
    #expect(bench.crashes == 4)
    #expect(try Set(bench.types().keys) == Set(1...21).subtracting([7]))
    #expect(bench.worker.warnings.count == 1)
    #expect(!bench.worker.warnings[0].contains("not computed:"))
  }

  @Test("A subject that crashes the process when it is computed because of another one is set aside alone")
  func crashingAffectedSubject() throws {
    let bench = try FactBench()
    try bench.tellIssue(type: "Story")
    try bench.tellChanges(1...20)
    try bench.computeAll()
    #expect(try bench.types() == Dictionary(uniqueKeysWithValues: (1...20).map { ($0, "Story") }))
    bench.crash(on: FactBench.changeKey(7))
    try bench.tellIssue(type: "Bug", second: 9)
    try bench.computeAll()
    #expect(bench.crashes == 4)
    #expect(try bench.types() == Dictionary(uniqueKeysWithValues: (1...20).map { ($0, $0 == 7 ? "Story" : "Bug") }))
    #expect(bench.setAside("crash") == 1)
    #expect(bench.worker.warnings.count == 1)
  }

  @Test(
    "Facts that can never be written are set aside, and are computed by the next event or start once they can",
    arguments: [true, false], [true, false])
  func unwritable(isAffected: Bool, isRestarted: Bool) throws {
    let bench = try FactBench()
    try bench.tellIssue(type: "Story")
    if isAffected {
      try bench.tellChanges(1...20)
      try bench.computeAll()
    }
    bench.reject(FactBench.changeKey(7))
    if isAffected { try bench.tellIssue(type: "Bug", second: 9) } else { try bench.tellChanges(1...20) }
    try bench.computeAll()
    let others = Dictionary(uniqueKeysWithValues: (1...20).filter { $0 != 7 }.map { ($0, isAffected ? "Bug" : "Story") })
    #expect(try bench.types().filter { $0.key != 7 } == others)
    #expect(try bench.types()[7] == (isAffected ? "Story" : nil))
    #expect(bench.setAside("store") == 1)
    #expect(bench.worker.warnings.count == 1)
    bench.reject(nil)
    if isRestarted { try bench.restart() } else { try bench.tellChanges([7], second: 20) }
    try bench.computeAll()
    #expect(try bench.types()[7] == (isAffected ? "Bug" : "Story"))
    #expect(bench.worker.warnings.isEmpty)
  }

  @Test("A full disk sets nothing aside: all facts are computed once there is room")
  func fullDisk() throws {
    let bench = try FactBench()
    try bench.tellIssue(type: "Story")
    try bench.tellChanges(1...20)
    bench.store.onFactWrite.withLock { $0 = { _ in throw StoreError(.noSpace, "no space, as the test wants it") } }
    for _ in 0..<9 { #expect(throws: StoreError.self) { try bench.worker.step() } }
    bench.store.onFactWrite.withLock { $0 = nil }
    try bench.computeAll()
    #expect(try bench.types().count == 20)
    #expect(bench.setAside("store") == 0)
    #expect(bench.worker.warnings.isEmpty)
  }
}
