import Foundation
import PostgresServer
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Moving and copying a store")
struct MigrationTests {
  private static func post(_ numbers: ClosedRange<Int>, to vsd: VSDProcess) throws {
    for number in numbers {
      try vsd.postGitHub("issues", Payloads.issue("opened", number: number), delivery: "\(number)-opened")
      try vsd.postCustom(Payloads.custom("start", "d\(number)", more: #""environment": "production", "branch": "main""#))
      guard number % 2 == 0 else { continue }
      let closed = Payloads.issue("closed", number: number, closed: "2024-03-04T10:00:00Z")
      try vsd.postGitHub("issues", closed, delivery: "\(number)-closed")
      try vsd.postCustom(Payloads.custom("end", "d\(number)"))
    }
  }

  /// What a vsd answers about its store.
  private static func answers(_ vsd: VSDProcess) throws -> [String: JSON] {
    try vsd.waitForAllFacts()
    var result: [String: JSON] = [:]
    for path in [
      "/api/v1/spans?limit=500", "/api/v1/reports/dora?from=2024-01-01T00:00:00Z&to=2027-01-01T00:00:00Z", "/api/v1/exclusions",
    ] {
      result[path] = withoutRates(try vsd.json(path))
    }
    let stats = try vsd.json("/api/v1/stats")
    for member in ["deliveries", "spans", "exporters"] { result[member] = stats[member] }
    result["samples"] = .object(try MetricsText(vsd.get("/metrics").body).durable.mapValues { .number($0) })
    return result
  }

  /// Leaves out what depends on the time of the answer, because the window ends with it.
  private static func withoutRates(_ json: JSON) -> JSON {
    switch json {
    case .object(let members):
      .object(members.filter { !["per_day", "per_week"].contains($0.key) }.mapValues(withoutRates))
    case .list(let elements): .list(elements.map(withoutRates))
    default: json
    }
  }

  private static func expectSame(_ first: [String: JSON], _ second: [String: JSON]) {
    #expect(Set(first.keys) == Set(second.keys))
    for (name, answer) in first { #expect(answer == second[name], "\(name)") }
  }

  @Test("from a directory to PostgreSQL and back, a vsd shows the same, exports nothing again, and goes on")
  func thereAndBack() throws {
    let home = try VSDProcess.Home()
    let arguments = ["--tracer=logging", "--settle=0s"]
    let vsd = try VSDProcess(arguments, in: home)
    try Self.post(1...12, to: vsd)
    try vsd.wait(for: "the export") { try vsd.json("/api/v1/stats")["exporters"]?["logging"]?["sent"]?.int == 12 ? () : nil }
    let before = try Self.answers(vsd)
    let address = try PostgresServer.shared.get().newDatabase()
    // A running vsd keeps its store for itself.
    #expect(try VSDProcess.run(["migrate-store", home.store, address], in: home).exit == .code(74))
    #expect(try vsd.stop() == .code(0))

    let there = try VSDProcess.run(["migrate-store", home.store, address] + arguments, in: home)
    #expect(there.exit == .code(0), "\(there.errors)")
    #expect(there.errors.contains("copied 36 deliveries"))
    let onDatabase = try VSDProcess(arguments + ["--store=\(address)"])
    try onDatabase.wait(for: "the lead") { try onDatabase.json("/api/v1/stats")["leading"] == true ? () : nil }
    Self.expectSame(before, try Self.answers(onDatabase))
    #expect(try onDatabase.postGitHub("issues", Payloads.issue("opened", number: 1), delivery: "1-opened") == "200 success")
    try Self.post(13...14, to: onDatabase)
    try onDatabase.wait(for: "the export") {
      try onDatabase.json("/api/v1/stats")["exporters"]?["logging"]?["sent"]?.int == 14 ? () : nil
    }
    #expect(try onDatabase.logLines().filter { $0["span"] != nil || $0["traceID"] != nil }.count <= 2)
    let later = try Self.answers(onDatabase)
    #expect(later["deliveries"]?["recorded"]?.int == 42 && later["deliveries"]?["duplicate"]?.int == 1)
    #expect(try onDatabase.stop() == .code(0))

    #expect(try VSDProcess.run(["migrate-store", address, home.store] + arguments, in: home).exit == .code(74), "not empty")
    let back = try VSDProcess.run(["migrate-store", address, "\(home.path)/back"] + arguments, in: home)
    #expect(back.exit == .code(0), "\(back.errors)")
    let again = try VSDProcess(arguments + ["--store=\(home.path)/back"], in: home)
    Self.expectSame(later, try Self.answers(again))
    #expect(try VSDProcess.run(["check", "--store=\(home.path)/back"], in: home).exit == .code(0))
  }

  @Test("a backup of a running vsd is a store with all that was acknowledged before it")
  func backup() throws {
    let home = try VSDProcess.Home()
    let vsd = try VSDProcess(["--tracer=none"], in: home)
    try Self.post(1...10, to: vsd)
    let before = try Self.answers(vsd)
    let copied = try VSDProcess.run(["backup", "\(home.path)/copy/"], in: home)
    #expect(copied.exit == .code(0), "\(copied.errors)")
    try Self.post(11...12, to: vsd)
    #expect(try VSDProcess.run(["backup", "\(home.path)/copy"], in: home).exit == .code(74), "it exists")
    #expect(try VSDProcess.run(["check", "--store=\(home.path)/copy"], in: home).exit == .code(0))
    let restored = try VSDProcess(["--tracer=none", "--store=\(home.path)/copy"], in: home)
    Self.expectSame(before, try Self.answers(restored))
    #expect(try VSDProcess.run(["backup"], in: home).exit == .code(64))
    #expect(try VSDProcess.run(["backup", "x", "--store=postgres://nobody@localhost/x"], in: home).exit == .code(64))
  }
}
