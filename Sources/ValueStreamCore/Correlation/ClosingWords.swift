/// Words by which a change says that it closes an issue: `Fixes #12`, `closes: acme/site#7`, `resolved https://.../issues/3`.
///
/// Source: GitHub Docs, "Linking a pull request to an issue". A mere mention (`see #12`) is no tie.
public enum ClosingWords {
  /// An issue that a text closes.
  public struct Issue: Sendable, Hashable {
    /// `owner/name`; nil for the repository the text stands in.
    public var repository: String?
    /// Of an address; nil for the host the text stands on.
    public var host: String?
    public var number: Int64
  }

  private static let words: Set<Substring> = [
    "close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved",
  ]

  /// The issues that a text closes, in order, each once; at most 20.
  public static func issues(in text: String) -> [Issue] {
    var result: [Issue] = []
    // Joined words (`Fixes:#12`) do not count on GitHub either, so white space separates.
    let tokens = text.split { $0.isWhitespace }
    for (word, target) in zip(tokens, tokens.dropFirst()) where result.count < 20 {
      let word = (word.hasSuffix(":") ? word.dropLast() : word).lowercased().drop { $0 == "(" || $0 == "*" || $0 == "-" }
      guard words.contains(word), let issue = issue(in: target), !result.contains(issue) else { continue }
      result.append(issue)
    }
    return result
  }

  private static func issue(in token: Substring) -> Issue? {
    if let scheme = token.firstRange(of: "://") { return issue(inAddress: token[scheme.upperBound...]) }
    guard let hash = token.firstIndex(of: "#"), let number = number(at: token[token.index(after: hash)...]) else { return nil }
    let repository = token[..<hash]
    if repository.isEmpty { return Issue(number: number) }
    guard repository.split(separator: "/").count == 2,
      repository.allSatisfy({ $0.isLetter || $0.isNumber || "-._/".contains($0) })
    else { return nil }
    return Issue(repository: String(repository), number: number)
  }

  private static func issue(inAddress address: Substring) -> Issue? {
    let parts = address.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count >= 5, parts[3] == "issues", let number = number(at: parts[4]) else { return nil }
    return Issue(repository: "\(parts[1])/\(parts[2])", host: parts[0].lowercased(), number: number)
  }

  /// The digits at the beginning; no letter may follow them.
  private static func number(at text: Substring) -> Int64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    if let next = text[digits.endIndex...].first, next.isLetter || next == "_" { return nil }
    return Int64(digits)
  }
}
