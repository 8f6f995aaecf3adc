import Foundation
import Testing

/// Reads what this project writes with the readers of another one: Python's JSON and CSV, a grammar of metrics.
package enum IndependentReader: String {
  case json, csv, metrics
  case jsonLines = "json-lines"

  package static let isWanted = PythonEnvironment.wants("json")

  /// One text or number, and the name of the member, column, label or sample that it stands under. Names of members stand under
  /// `<name>`.
  package struct Value: Hashable {
    package var name: String
    package var text: String
  }

  /// All values in the order of the document; fails the test where it is none.
  package func values(in document: [UInt8]) throws -> [Value] {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("document-\(UUID().uuidString)")
    try Data(document).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let script = PythonEnvironment.root.appendingPathComponent("Tests/IndependentReaders/read.py").path
    let result = try PythonEnvironment.run([script, rawValue], input: FileHandle(forReadingFrom: file))
    try #require(result.status == 0, "\(result.output.suffix(1000))")
    return result.output.split(separator: "\n").map { line in
      let words = line.split(separator: " ").map(Self.text)
      return Value(name: words.first ?? "", text: words.last ?? "")
    }
  }

  private static func text(_ hexadecimal: Substring) -> String {
    guard hexadecimal != "-" else { return "" }
    let digits = Array(hexadecimal.utf8)
    let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
      UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension Sequence<IndependentReader.Value> {
  /// What stands under a name, byte for byte: texts that only look alike are not the same.
  package func bytes(of name: String) -> [[UInt8]] {
    filter { $0.name == name }.map { Array($0.text.utf8) }
  }
}
