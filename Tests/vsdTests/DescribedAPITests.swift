import Foundation
import Testing
import ValueStreamTesting

@Suite("The API and its description")
struct DescribedAPITests {
  @Test(
    "agree, whatever schemathesis asks that the description allows or forbids",
    .enabled(if: PythonEnvironment.wants("schemathesis")))
  func answers() throws {
    let year = try SharedYear(days: 10, scale: 0.1, seed: 5)
    // Schemathesis keeps what it learned in the folder in which it runs.
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("schemathesis-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let configuration = PythonEnvironment.root.appendingPathComponent("Tests/API/schemathesis.toml").path
    let examples = ProcessInfo.processInfo.environment["VALUESTREAM_LONG_TESTS"] == nil ? 3 : 200
    let result = try PythonEnvironment.run(
      [
        "-m", "schemathesis.cli", "--config-file", configuration, "run", year.url + "/api/v1/openapi.json",
        "--max-examples", "\(examples)", "--seed", "1", "--workers", "2", "--request-timeout", "60", "--no-color",
      ], input: .nullDevice, in: folder)
    #expect(result.status == 0, "\(result.output)")
    // It must have asked for every operation.
    let selected = try #require(result.output.firstMatch(of: #/Selected: (\d+)/(\d+)/#))
    let tested = try #require(result.output.firstMatch(of: /Tested: (\d+)/))
    #expect(selected.1 == selected.2 && selected.1 == tested.1, "\(result.output)")
  }
}
