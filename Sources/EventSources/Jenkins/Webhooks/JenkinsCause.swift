import ValueStreamCore

/// Reads the cause of a build from its text, which Jenkins writes in the language of the server.
enum JenkinsCause {
  /// Returns the build that the text of an upstream cause names: `Started by upstream project "shop/site" build
  /// number 12`.
  ///
  /// In every translation the name of the job is in quotation marks, and the build number follows as the only number.
  /// Returns nil if the quoted text cannot be the name of a job.
  static func upstream(_ text: String) -> (fullName: String, number: Int64)? {
    guard let opening = text.firstIndex(where: isQuotationMark), !text[..<opening].contains(where: isDigit) else { return nil }
    let quoted = text[text.index(after: opening)...]
    guard let closing = quoted.firstIndex(where: isQuotationMark), closing > quoted.startIndex else { return nil }
    let rest = quoted[quoted.index(after: closing)...]
    guard !rest.contains(where: isQuotationMark) else { return nil }
    let numbers = rest.split { !isDigit($0) }
    let name = quoted[..<closing].trimmingSpaces
    guard numbers.count == 1, let number = Int64(numbers[0]), number > 0, isName(name) else { return nil }
    return (name, number)
  }

  private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }

  /// True if the text can be the name of a job. Slashes separate folders.
  ///
  /// Source: `jenkins.model.Jenkins.checkGoodName`.
  private static func isName(_ text: String) -> Bool { !text.isEmpty && !text.contains { "?*\\%!@#$^&|<>[]:;".contains($0) } }

  private static func isQuotationMark(_ character: Character) -> Bool { "\"“”„«»「」".contains(character) }
}

extension Substring {
  /// The text without spaces at its ends. French has spaces within the quotation marks, including no-break spaces.
  fileprivate var trimmingSpaces: String {
    guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace }) else {
      return ""
    }
    return String(self[first...last])
  }
}
