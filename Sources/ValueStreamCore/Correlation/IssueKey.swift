/// Keys of issues in texts: `TP-3`.
public enum IssueKey {
  /// Keys of one text that count; a changelog names dozens.
  private static let limit = 5

  /// The keys that a text names, in order, each once.
  ///
  /// A key is at least two capital letters or digits that begin with a letter, a hyphen, and a number. Whether there is such an issue
  /// is not looked at: nothing is tied to `UTF-8` unless a tracker has it.
  public static func all(in text: String) -> [String] {
    var keys: [String] = []
    for word in text.utf8.split(whereSeparator: { !isWord($0) && $0 != hyphen }) where keys.count < limit {
      for key in keysWithin(word) where keys.count < limit && !keys.contains(key) { keys.append(key) }
    }
    return keys
  }

  /// The keys that the name of a branch holds: in small letters too at the beginning of one of its parts, as in `fix/tp-3-spout`.
  public static func all(inBranch branch: String) -> [String] {
    var keys = all(in: branch)
    for part in branch.utf8.split(separator: UInt8(ascii: "/")) {
      let words = part.split(separator: hyphen, maxSplits: 2, omittingEmptySubsequences: false)
      guard words.count >= 2 else { continue }
      let key = "\(Substring(words[0]).uppercased())-\(Substring(words[1].prefix { $0 != underscore }))"
      for key in all(in: key) where !keys.contains(key) { keys.append(key) }
    }
    return keys
  }

  /// `TP-3` and `AB-4` of `TP-3-then-AB-4`.
  private static func keysWithin(_ word: Substring.UTF8View) -> [String] {
    let parts = word.split(separator: hyphen, omittingEmptySubsequences: false)
    return zip(parts, parts.dropFirst()).compactMap { project, number in
      guard project.count >= 2, let first = project.first, isCapital(first),
        project.allSatisfy({ isCapital($0) || isDigit($0) || $0 == underscore }), !number.isEmpty, number.count <= 9,
        number.allSatisfy(isDigit), number.first != UInt8(ascii: "0")
      else { return nil }
      return "\(Substring(project))-\(Substring(number))"
    }
  }

  private static let hyphen = UInt8(ascii: "-")
  private static let underscore = UInt8(ascii: "_")

  private static func isWord(_ byte: UInt8) -> Bool {
    isCapital(byte) || isDigit(byte) || byte == underscore || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || byte >= 0x80
  }

  private static func isCapital(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
