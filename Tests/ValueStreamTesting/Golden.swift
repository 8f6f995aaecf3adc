import Foundation
package import Testing

/// Compares output with a golden file beside the tests.
///
/// `VS_RECORD_GOLDEN=1` rewrites the files; review the diff before you commit it. In CI the variable has no effect.
package enum Golden {
  /// True if the files are rewritten.
  package static let isRecorded = ProcessInfo.processInfo.environment["VS_RECORD_GOLDEN"] == "1" && !isInCI
  private static let isInCI = ProcessInfo.processInfo.environment["CI"] != nil

  package static func expect(
    _ actual: String, matches file: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    if isRecorded {
      do {
        try actual.write(toFile: file, atomically: true, encoding: .utf8)
      } catch {
        Issue.record("cannot write \(file): \(error)", sourceLocation: sourceLocation)
      }
      return
    }
    guard let expected = try? String(contentsOfFile: file, encoding: .utf8) else {
      Issue.record("there is no \(file); record it with VS_RECORD_GOLDEN=1", sourceLocation: sourceLocation)
      return
    }
    guard expected != actual else { return }
    Issue.record("\(file) differs:\n\(difference(expected, actual))", sourceLocation: sourceLocation)
  }

  /// Returns the lines that differ: expected lines start with `-`, actual lines with `+`.
  private static func difference(_ expected: String, _ actual: String) -> String {
    let old = expected.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let new = actual.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    return new.difference(from: old).map { change in
      switch change {
      case .remove(let line, let text, _): "- \(line + 1): \(text)"
      case .insert(let line, let text, _): "+ \(line + 1): \(text)"
      }
    }.joined(separator: "\n")
  }
}
