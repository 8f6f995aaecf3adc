import Foundation

/// Validates JSON documents with an independent JSON Schema validator.
///
/// `Tests/JSONSchema/validate.py` runs it, and `Scripts/bootstrap test` installs it.
package struct JSONSchemaValidator {
  package static let isWanted = PythonEnvironment.wants("jsonschema")

  private let schema: String

  /// - Parameter schema: the path of the schema, relative to the root of the checkout.
  package init(schema: String) {
    self.schema = PythonEnvironment.root.appendingPathComponent(schema).path
  }

  /// - Parameter path: the path of the schema.
  package init(path: String) {
    schema = path
  }

  /// Returns what is wrong with each document; nil for a valid one.
  ///
  /// - Parameter anyCase: true to match the names of members without regard to case.
  package func findings(in documents: [String], anyCase: Bool = false) throws -> [String?] {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("documents-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    // The script reads one document per line. JSON allows a line break only between tokens, where a space means the same.
    let lines = documents.map { $0.replacing("\n", with: " ") + "\n" }
    try lines.joined().write(to: file, atomically: true, encoding: .utf8)
    let script = PythonEnvironment.root.appendingPathComponent("Tests/JSONSchema/validate.py").path
    let result = try PythonEnvironment.run(
      [script] + (anyCase ? ["--any-case"] : []) + [schema], input: try FileHandle(forReadingFrom: file))
    let findings = result.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    guard result.status == 0, findings.count == documents.count else { throw TestDataError(description: result.output) }
    return findings.map { $0.isEmpty ? nil : String($0) }
  }
}
