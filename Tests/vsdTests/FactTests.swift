import DeliveryFacts
import Foundation
import SQLiteStore
import Testing
import ValueStreamCore
import ValueStreamTesting

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Facts in the store of a running vsd.
@Suite("Facts of vsd")
struct FactTests {
  private static func start(in home: VSDProcess.Home) throws -> VSDProcess { try VSDProcess(["--tracer=none"], in: home) }

  /// Sends a history that ends now: `--span-retention` would take older branch updates from the replay.
  private static func send(seed: Int, to vsd: VSDProcess) throws -> ChildProcess.Exit {
    try VSPerf.run([
      "generate", "history", "--seed=\(seed)", "--days=5", "--scale=0.3", "--send",
      "http://127.0.0.1:\(vsd.ports[0])",
    ]).exit
  }

  private static func value(_ name: String, _ vsd: VSDProcess) throws -> Double? {
    try vsd.get("/metrics").body.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
      .flatMap { Double($0.split(separator: " ")[1]) }
  }

  /// Computes what waits, and returns all facts with numbers that do not depend on the store.
  private static func facts(in home: VSDProcess.Home, recomputed: Bool = false) throws -> Set<EncodedFact> {
    let store = try SQLiteSpanStore(directory: home.store)
    defer { store.close() }
    if recomputed { try store.recomputeFacts() }
    var keeper = FactKeeper(store: store, strategy: .nested)
    while try keeper.step(now: Timestamp(seconds: 1_800_000_000)) {}
    var facts: [EncodedFact] = []
    func collect<Row: Fact>(_ type: Row.Type) throws {
      let days = FactDay(rawValue: 0)...FactDay(rawValue: 40_000)
      try store.visitFacts(type, days: days, includesOpen: true) { facts.append(EncodedFact($0)) }
    }
    try collect(ChangeFact.self)
    try collect(DeployFact.self)
    try collect(DeliveredChange.self)
    try collect(IncidentFact.self)
    try collect(IssueFact.self)
    try collect(RunFact.self)
    let numbers = facts.compactMap(\.numbers)
    let subjects = try store.factSubjects(numbers.reduce(into: []) { $0.formUnion($1.ids) })
    let texts = try store.texts(of: numbers.reduce(into: []) { $0.formUnion($1.names) })
    return Set(
      facts.compactMap { fact in
        fact.translated { id in
          id.isDirect ? id : subjects[id].map { FactID(goneSubject: $0.key) } ?? FactID(rawValue: 1)
        } name: { name in
          // Names by their text: a hash that is the same in every store.
          FactName(rawValue: (texts[name] ?? "").utf8.reduce(0x811c_9dc5) { ($0 ^ UInt32($1)) &* 0x0100_0193 })
        }
      })
  }

  @Test("killed with -9 again and again, vsd has the facts that a computation from the stored subjects gives; so has a replay")
  func killed() throws {
    let home = try VSDProcess.Home()
    for round in 0..<3 {
      let vsd = try Self.start(in: home)
      #expect(try Self.send(seed: round, to: vsd) == .code(0))
      // Kills it before, while and after the facts are computed.
      usleep(UInt32(round) * 700_000)
      vsd.send(SIGKILL)
      _ = try vsd.waitForExit()
    }
    let vsd = try Self.start(in: home)
    try vsd.wait(for: "the facts") {
      try Self.value("valuestream_projection_lag_deliveries", vsd) == 0
        && Self.value("valuestream_facts_waiting_batches", vsd) == 0 ? true : nil
    }
    #expect(try vsd.stop() == .code(0))

    let kept = try Self.facts(in: home)
    #expect(kept.count { $0.kind == .change } > 10)
    #expect(kept.count { $0.kind == .deploy } > 3)
    #expect(kept.count { $0.kind == .deliveredChange } > 3)
    let recomputed = try Self.facts(in: home, recomputed: true)
    #expect(kept == recomputed)
    let applied = try VSDProcess.run(["replay", "apply"], in: home)
    #expect(applied.exit == .code(0), "\(applied.errors)")
    #expect(try Self.facts(in: home) == recomputed)
  }
}
