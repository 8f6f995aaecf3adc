/// Finds keys of issues in texts: `TP-3`.
public enum IssueKey {
  /// The maximum number of keys from one text. A changelog can name dozens.
  private static let limit = 20
  /// The maximum number of these keys that look like the name of a standard.
  private static let standardLimit = 5
  /// The maximum length of a project key, in bytes.
  private static let projectLimit = 64

  /// Returns the issue keys in a text, in order and without duplicates.
  ///
  /// A key has at least two capital letters or digits, starting with a letter, then a hyphen and a number. In
  /// `feature_TP-3`, the key is `TP-3`. The issue need not exist: `UTF-8` ties nothing unless a tracker has such an
  /// issue. Keys that look like the name of a standard come last and never displace others.
  public static func all(in text: String) -> [String] {
    guard text.utf8.contains(hyphen) else { return [] }
    var keys: [String] = []
    var standards: [String] = []
    for word in text.utf8.split(whereSeparator: { !isWord($0) && $0 != hyphen }) where keys.count < limit {
      for key in keysWithin(word) {
        if isStandard(key) {
          if standards.count < standardLimit, !standards.contains(key) { standards.append(key) }
        } else if keys.count < limit, !keys.contains(key) {
          keys.append(key)
        }
      }
    }
    return keys + standards.prefix(limit - keys.count)
  }

  /// Returns the issue keys in a branch name.
  ///
  /// A key may also be in small letters at the start of a path component, as in `fix/tp-3-spout`, or behind an
  /// underscore, as in `feature_tp-3`.
  public static func all(inBranch branch: String) -> [String] {
    var keys = all(in: branch)
    for part in branch.utf8.split(separator: UInt8(ascii: "/")) {
      let words = part.split(separator: hyphen, maxSplits: 2, omittingEmptySubsequences: false)
      guard words.count >= 2, words[1].first.map(isDigit) ?? false else { continue }
      let number = Substring(words[1].prefix { $0 != underscore })
      // If a word has both small and capital letters, only the part behind its last underscore can be the key.
      let tail = words[0].split(separator: underscore).last ?? words[0]
      let isMixed = words[0].contains(where: isSmall) && words[0].contains(where: isCapital)
      for project in isMixed ? [tail] : [words[0], tail] {
        for key in all(in: "\(Substring(project).uppercased())-\(number)") where !keys.contains(key) { keys.append(key) }
      }
    }
    return keys
  }

  /// Returns the keys in a hyphenated word: `TP-3` and `AB-4` in `TP-3-then-AB-4`.
  private static func keysWithin(_ word: Substring.UTF8View) -> [String] {
    guard word.contains(hyphen) else { return [] }
    let parts = word.split(separator: hyphen, omittingEmptySubsequences: false)
    return zip(parts, parts.dropFirst()).compactMap { word, number in
      guard let project = project(endingIn: word), !number.isEmpty, number.count <= 9, number.allSatisfy(isDigit),
        number.first != UInt8(ascii: "0")
      else { return nil }
      return "\(Substring(project))-\(Substring(number))"
    }
  }

  /// Returns the whole word if it is in capitals, otherwise the part behind its last underscore. Nil if neither is a project key.
  private static func project(endingIn word: Substring.UTF8View) -> Substring.UTF8View? {
    if isProject(word) { return word }
    guard let underscore = word.lastIndex(of: underscore) else { return nil }
    let tail = word[word.index(after: underscore)...]
    return isProject(tail) ? tail : nil
  }

  private static func isProject(_ text: Substring.UTF8View) -> Bool {
    guard text.count >= 2, text.count <= projectLimit, let first = text.first, isCapital(first) else { return false }
    return text.allSatisfy { isCapital($0) || isDigit($0) || $0 == underscore }
  }

  // MARK: Standards

  /// True for `UTF-8`, `SHA-256`, `CVE-2026` and the like.
  private static func isStandard(_ key: String) -> Bool {
    standards.contains(String(key.prefix { $0 != "-" }))
  }

  /// Prefixes before the number in names of standards, algorithms, advisories and time zones.
  private static let standards: Set<String> = [
    "AES", "ASCII", "BASE", "BLAKE", "CAT", "CP", "CVE", "CWE", "DES", "EC", "ECMA", "ED", "EN", "ES", "FIPS", "GMT", "GPT",
    "HMAC",
    "HS", "HTTP", "IEC", "IEEE", "IPV", "ISO", "JEP", "JSR", "KOI", "LATIN", "MD", "MP", "NIST", "PEP", "PKCS", "PS", "RFC", "RS",
    "RSA", "SHA", "SSL", "TLS", "UCS", "USB", "UTC", "UTF", "WCAG", "WINDOWS",
  ]

  private static let hyphen = UInt8(ascii: "-")
  private static let underscore = UInt8(ascii: "_")

  private static func isWord(_ byte: UInt8) -> Bool {
    isCapital(byte) || isDigit(byte) || byte == underscore || isSmall(byte) || byte >= 0x80
  }

  private static func isCapital(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }

  private static func isSmall(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
