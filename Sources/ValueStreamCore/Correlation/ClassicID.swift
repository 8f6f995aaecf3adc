/// Classic ids: `vstrace-<source>-<type>-<namespace>-<id>`, as people put them into branch names and descriptions.
public enum ClassicID {
  /// Builds the classic id of a subject. The parts are not escaped.
  public static func make(source: String, type: String, namespace: String, id: String) -> String {
    "vstrace-\(source)-\(type)-\(namespace)-\(id)"
  }

  /// Returns the first text that may be a classic id, including any text directly behind it. Nil if there is none.
  ///
  /// The form alone does not show where an id ends (`vstrace-github-issue-r-1-fix`), so look up the ``candidates(in:)``
  /// of the result.
  public static func find(in text: String) -> String? {
    let prefix = Array("vstrace-".utf8)
    let bytes = Array(text.utf8)
    guard bytes.count > prefix.count else { return nil }
    for start in 0...(bytes.count - prefix.count) where bytes[start] == prefix[0] && bytes[start...].starts(with: prefix) {
      let reach = min(start + lengthLimit, bytes.count)
      let end = bytes[start..<reach].firstIndex { !isPart($0) } ?? reach
      let found = String(decoding: bytes[start..<end], as: UTF8.self)
      if !candidates(in: found).isEmpty { return found }
    }
    return nil
  }

  /// The maximum length of an id with the text behind it, in bytes.
  private static let lengthLimit = 512

  /// Returns up to 32 ids that a found text may stand for, longest first. Cuts at `-`, `.` or `_` from the right.
  public static func candidates(in found: String) -> [String] {
    var result: [String] = []
    var rest = Substring(found)
    while result.count < 32 {
      while let last = rest.utf8.last, isSeparator(last) { rest = rest.dropLast() }
      // An id has at least five parts: vstrace, source, type, namespace and id.
      guard rest.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).count >= 5 else { break }
      result.append(String(rest))
      guard let cut = rest.utf8.lastIndex(where: isSeparator) else { break }
      rest = rest[..<cut]
    }
    return result
  }

  private static func isPart(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: isSeparator(byte)
    }
  }

  private static func isSeparator(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
  }
}
