/// Finds the issues that a change says it closes: `Fixes #12`, `closes: acme/site#7`, `resolved https://.../issues/3`.
///
/// A mere mention (`see #12`) does not count.
public struct ClosingWords: Sendable {
  /// An issue that a text closes.
  public struct Issue: Sendable, Hashable {
    /// The repository as `owner/name`. Nil for the repository of the text.
    public var repository: String?
    /// The host of a URL, in lower case. Nil for the host of the text.
    public var host: String?
    public var number: Int64
  }

  private let words: Set<String>
  /// True if one word may apply to several issues: `Closes #4, #6 and acme/site#7`.
  private let takesLists: Bool

  /// Source: GitHub Docs, "Linking a pull request to an issue".
  public static let gitHub = ClosingWords(
    words: ["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"], takesLists: false)

  /// Source: GitLab Docs, "Managing issues", default closing pattern.
  public static let gitLab = ClosingWords(
    words: gitHub.words.union([
      "closing", "fixing", "resolving", "implement", "implements", "implemented", "implementing",
    ]), takesLists: true)

  /// Returns the issues that a Markdown text closes, in order and without duplicates, at most 20.
  ///
  /// Ignores comments and code, because templates hold examples there.
  public func issues(in text: String) -> [Issue] {
    issues(inProse: MarkdownProse.text(of: text))
  }

  /// Returns the issues that a text without comments and code closes. See ``issues(in:)``.
  func issues(inProse prose: String) -> [Issue] {
    // An issue is a number behind # or a URL.
    guard prose.utf8.contains(where: { $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "/") }) else { return [] }
    var result: [Issue] = []
    var isClosing = false
    // Splits at white space only: the vendors do not accept joined words such as `Fixes:#12` either.
    for scalars in prose.unicodeScalars.split(whereSeparator: Self.isSpace) {
      let token = Substring(scalars)
      let isShort = token.utf8.count <= Self.wordLimit
      let word =
        isShort ? (token.hasSuffix(":") ? token.dropLast() : token).lowercased().drop { $0 == "(" || $0 == "*" || $0 == "-" } : ""
      if isShort, words.contains(String(word)) {
        isClosing = true
      } else if isClosing, let issue = Self.issue(in: token) {
        if !result.contains(issue) { result.append(issue) }
        if result.count == 20 { break }
        isClosing = takesLists
      } else {
        isClosing = isClosing && takesLists && ["and", "issue", "issues", ","].contains(String(word))
      }
    }
    return result
  }

  /// The maximum length of a closing word with punctuation around it, in bytes.
  private static let wordLimit = 32
  /// The maximum length of an issue's name or URL, in bytes.
  private static let nameLimit = 1024

  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII ? scalar.value == 0x20 || (0x09...0x0D).contains(scalar.value) : scalar.properties.isWhitespace
  }

  private static func issue(in token: Substring) -> Issue? {
    guard token.utf8.count <= nameLimit else { return nil }
    if let scheme = token.firstRange(of: "://") { return issue(inAddress: token[scheme.upperBound...]) }
    guard let hash = token.firstIndex(of: "#"), let number = number(at: token[token.index(after: hash)...]) else { return nil }
    let repository = token[..<hash]
    if repository.isEmpty { return Issue(number: number) }
    guard repository.split(separator: "/").count >= 2,
      repository.allSatisfy({ $0.isLetter || $0.isNumber || "-._/".contains($0) })
    else { return nil }
    return Issue(repository: String(repository), number: number)
  }

  private static func issue(inAddress address: Substring) -> Issue? {
    let parts = address.split(separator: "/", omittingEmptySubsequences: false)
    // GitLab has nested groups, and `/-/` between a project and its pages.
    guard let issues = parts.lastIndex(of: "issues"), issues >= 3, issues + 1 < parts.count,
      let number = number(at: parts[issues + 1])
    else { return nil }
    let repository = parts[1..<issues].filter { $0 != "-" }.joined(separator: "/")
    return Issue(repository: repository, host: parts[0].lowercased(), number: number)
  }

  /// Returns the number at the start of a text. Nil if there is none, or if a letter or underscore follows it.
  private static func number(at text: Substring) -> Int64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    if let next = text[digits.endIndex...].first, next.isLetter || next == "_" { return nil }
    return Int64(digits)
  }
}
