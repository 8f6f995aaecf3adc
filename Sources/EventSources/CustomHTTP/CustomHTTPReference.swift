import PayloadReading
import ValueStreamCore

/// A reference to a parent in a custom event: its rule, and the aliases to try, best first.
struct CustomHTTPReference {
  /// The kinds of references, as the member `kind` names them.
  enum Kind: String, CaseIterable {
    case classic, key, event, change, commit, issue

    var expected: String {
      switch self {
      case .classic: "an id such as vstrace-github-issue-site-36"
      case .key: "a span key such as customhttp::shop:deploy:42"
      case .event: "the id of another custom event, with its namespace before it if that is another: shop/42"
      case .change: "a change such as acme/site#12, group/app!3 or its address"
      case .commit: "a commit hash, or its first seven characters or more"
      case .issue: "an issue such as acme/site#36, TP-3 or its address"
      }
    }
  }

  let rule: CorrelationRule
  let references: [Reference]

  private init(_ rule: CorrelationRule, _ references: [Reference]) {
    self.rule = rule
    self.references = references
  }

  // MARK: Parsing

  /// Reads a text in one of the known forms, or an object with `kind` and `value`.
  ///
  /// - Throws: if the form is unknown, or the value does not fit its kind.
  init(_ value: JSONValue, path: String, namespace: String) throws(PayloadError) {
    if let text = value.string {
      guard text.utf8.count <= PayloadName.limit, let reference = Self.recognize(text, in: namespace) else {
        throw PayloadError(.missingIdentity, path: path, reason: "expected \(Self.expected)")
      }
      self = reference
    } else if value.isObject {
      let members = try CustomHTTPMembers(value, path: path)
      guard let kind = try members.word("kind", of: Kind.self) else {
        throw members.error("kind", "expected one of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      guard let reference = Self.read(try members.requireText("value"), as: kind, in: namespace) else {
        throw members.error("value", "expected \(kind.expected)")
      }
      self = reference
    } else {
      throw PayloadError(.missingIdentity, path: path, reason: "expected a text, or an object with kind and value")
    }
  }

  /// Reads `parentId` as the Go ValueStream did: as a classic id, else as the id of an event in the same namespace.
  init(parent text: String, namespace: String) {
    self.init(
      .explicitID,
      [text.hasPrefix("vstrace-") ? Reference(.classicID, text) : Reference(.customID, "\(namespace)/\(text)")])
  }

  static func recognize(_ text: String, in namespace: String) -> CustomHTTPReference? {
    for kind in [Kind.classic, .key] {
      if let reference = read(text, as: kind, in: namespace) { return reference }
    }
    if CommitHash.whole(text) != nil || isShortHash(text) || isAddress(text), let commit = read(text, as: .commit, in: namespace)
    {
      return commit
    }
    // A number in a repository may be that of a change or an issue. The subjects that publish it decide.
    if let item = RepositoryItem(text), item.kind == nil {
      return CustomHTTPReference(.issueKey, item.issues + item.changes)
    }
    // Any plain name may be the id of an event, so this comes last.
    let isName = text.utf8.allSatisfy { ASCII.isLetterOrDigit($0) || "-._~".utf8.contains($0) }
    return read(text, as: .change, in: namespace) ?? read(text, as: .issue, in: namespace)
      ?? (isName ? read(text, as: .event, in: namespace) : nil)
  }

  private static func read(_ text: String, as kind: Kind, in namespace: String) -> CustomHTTPReference? {
    switch kind {
    case .classic:
      let parts = text.split(separator: "-", maxSplits: 4, omittingEmptySubsequences: false)
      guard parts.count == 5, parts[0] == "vstrace", !parts[4].isEmpty else { return nil }
      return CustomHTTPReference(.explicitID, [Reference(.classicID, text)])
    case .key:
      return SubjectKey(text).map { CustomHTTPReference(.explicitID, [.key($0)]) }
    case .event:
      return CustomHTTPReference(
        .explicitID, [Reference(.customID, text.contains("/") ? text : "\(namespace)/\(text)")])
    case .change:
      guard let item = RepositoryItem(text), item.kind != .issue else { return nil }
      return CustomHTTPReference(.explicitID, item.changes)
    case .commit:
      guard let hash = (isAddress(text) ? hash(inAddress: text) : text).flatMap(CommitHash.abbreviated) else { return nil }
      return CustomHTTPReference(.commit, [Reference(.commit, hash)])
    case .issue:
      if let issue = TrackerIssue(text) { return CustomHTTPReference(.issueKey, issue.references) }
      guard let item = RepositoryItem(text), item.kind != .change else { return nil }
      return CustomHTTPReference(.issueKey, item.issues)
    }
  }

  private static let expected = Kind.allCases.map(\.expected).joined(separator: "; ")

  // MARK: Text forms

  static func isAddress(_ text: String) -> Bool {
    (text.hasPrefix("https://") || text.hasPrefix("http://")) && WebAddress.host(text) != nil
  }

  /// True for a commit hash as Git abbreviates it. Digits alone are more likely an id.
  private static func isShortHash(_ text: String) -> Bool {
    text.utf8.count < 40 && CommitHash.abbreviated(text) != nil && !text.utf8.allSatisfy(ASCII.isDigit)
  }

  private static func hash(inAddress address: String) -> String? {
    let parts = (WebAddress.path(address) ?? "").split(separator: "/")
    guard let name = parts.lastIndex(of: "commit"), name + 1 < parts.count else { return nil }
    return String(parts[name + 1])
  }
}
