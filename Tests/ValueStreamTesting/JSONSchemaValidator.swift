import Foundation

/// A validator of JSON Schema by another project, started by `Tests/JSONSchema/validate.py`. `Scripts/bootstrap test` installs it.
package struct JSONSchemaValidator {
  package static let isWanted = PythonEnvironment.wants("jsonschema")

  private let schema: String

  /// - Parameter schema: its path from the root of the checkout.
  package init(schema: String) {
    self.schema = PythonEnvironment.root.appendingPathComponent(schema).path
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
    let script = PythonEnvironment.root.appendingPathComponent("Tests/JSONSchema/validate.py").path
    let result = try PythonEnvironment.run(
      [script] + (anyCase ? ["--any-case"] : []) + [schema], input: try FileHandle(forReadingFrom: file))
    let findings = result.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    guard result.status == 0, findings.count == documents.count else { throw TestDataError(description: result.output) }
    return findings.map { $0.isEmpty ? nil : String($0) }
  }
}
