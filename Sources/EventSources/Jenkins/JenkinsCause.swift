import ValueStreamCore

/// Why a build was started, as Jenkins says it to people: in its own language.
enum JenkinsCause {
  /// The build named by the text of an upstream cause. Every translation of it names the job in quotation marks and then the number,
  /// and no other number; what is quoted could be the name of a job.
  ///
  /// `Started by upstream project "shop/site" build number 12`
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

  /// Source: `jenkins.model.Jenkins.checkGoodName`; the slash parts folders.
  private static func isName(_ text: String) -> Bool { !text.isEmpty && !text.contains { "?*\\%!@#$^&|<>[]:;".contains($0) } }

  private static func isQuotationMark(_ character: Character) -> Bool { "\"“”„«»「」".contains(character) }
}

extension Substring {
  /// French puts spaces, also ones that do not break, within its quotation marks.
  fileprivate var trimmingSpaces: String {
    guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace }) else {
      return ""
    }
    return String(self[first...last])
  }
}
