import Foundation

/// A validator of JSON Schema by another project, started by `Tests/JSONSchema/validate.py`. `Scripts/bootstrap test` installs it.
package struct JSONSchemaValidator {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static let python = root.appendingPathComponent(".build-tools/python/bin/python")

  /// In CI it must be there; elsewhere its tests show as skipped.
  package static let isWanted =
    (try? run(["-c", "import jsonschema"], input: .nullDevice))?.status == 0 || ProcessInfo.processInfo.environment["CI"] != nil

  private let schema: String

  /// - Parameter schema: its path from the root of the checkout.
  package init(schema: String) {
    self.schema = Self.root.appendingPathComponent(schema).path
  }

  /// What is wrong with each document; nil for one that is valid.
  ///
  /// - Parameter anyCase: true when the names of members match in any letter case.
  package func findings(in documents: [String], anyCase: Bool = false) throws -> [String?] {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("documents-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    // Between the tokens of a document a line's end is a space like any other, and within them there is none.
    let lines = documents.map { $0.replacing("\n", with: " ") + "\n" }
    try lines.joined().write(to: file, atomically: true, encoding: .utf8)
    let script = Self.root.appendingPathComponent("Tests/JSONSchema/validate.py").path
    let result = try Self.run(
      [script] + (anyCase ? ["--any-case"] : []) + [schema], input: try FileHandle(forReadingFrom: file))
    let findings = result.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    guard result.status == 0, findings.count == documents.count else { throw TestDataError(description: result.output) }
    return findings.map { $0.isEmpty ? nil : String($0) }
  }

  private static func run(_ arguments: [String], input: FileHandle) throws -> (status: Int32, output: String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = python
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}
