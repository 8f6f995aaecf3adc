import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import APIClient
@testable import ForgeFetch

@Suite("The state of a download")
struct FetchStateTests {
  private static var state: FetchState {
    FetchState(settings: ["github", "--org=acme"], began: StoreSamples.morning, containers: ["a", "b"])
  }

  private static func step(_ name: String, rows: Int = 2, isLast: Bool = false) -> RecordRun.Step {
    RecordRun.Step(container: ContainerProgress(name), rows: Array(repeating: ["x"], count: rows), isLast: isLast)
  }

  @Test("is on disk what it was in memory")
  func roundTrip() throws {
    let directory = try TemporaryDirectory()
    var state = Self.state
    state.advance(by: Self.step("a"))
    state.missing = 3
    try state.write(at: directory.file("x.resume"))
    #expect(try FetchState.read(at: directory.file("x.resume")) == state)
    #expect(try FetchState.read(at: directory.file("y.resume")) == nil)
    #expect(try directory.files(in: ".") == ["x.resume"])
  }

  @Test("advances over pages, pauses and failures")
  func advance() {
    var state = Self.state
    state.advance(by: Self.step("a"))
    #expect(state.containers.map(\.name) == ["a", "b"])
    var paused = Self.step("a")
    paused.isPaused = true
    state.advance(by: paused)
    #expect(state.containers.map(\.name) == ["b", "a"], "a paused container waits behind the others")
    var failed = Self.step("b", rows: 0, isLast: true)
    failed.failure = APIError(.notFound, "gone")
    state.advance(by: failed)
    #expect(state.containers.map(\.name) == ["a"])
    #expect(state.failed.map(\.name) == ["b"])
    #expect(state.rows == 4)
    state.retryFailed()
    #expect(state.containers.map(\.name) == ["a", "b"])
    #expect(state.failed.isEmpty)
  }

  @Test("is refused if its numbers cannot be", arguments: [#""rows":-1"#, #""total":1"#, #""bytes":9223372036854775807"#])
  func implausible(member: String) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("x.resume")
    try Self.state.write(at: path)
    let name = try #require(member.split(separator: ":").first)
    var text = try String(contentsOfFile: path, encoding: .utf8)
    let old = try #require(text.firstMatch(of: try Regex("\(name):[0-9]+")))
    text.replaceSubrange(old.range, with: member)
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    #expect(throws: FetchError.self) { try FetchState.read(at: path) }
  }
}
