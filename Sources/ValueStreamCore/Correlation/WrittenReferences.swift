/// Finds the references to issues that people write in branches, titles, bodies and commit messages.
///
/// All sources use it, so that the same words count everywhere.
public struct WrittenReferences {
  /// The words that close issues for this vendor.
  public var closingWords: ClosingWords
  /// How far references in these texts reach.
  public var reach: ReferenceReach
  /// Returns the references under which an issue that a text closes may be known.
  private let issue: (ClosingWords.Issue) -> [Reference]

  public init(
    _ closingWords: ClosingWords, reach: ReferenceReach = .anywhere,
    issue: @escaping (ClosingWords.Issue) -> [Reference]
  ) {
    self.closingWords = closingWords
    self.reach = reach
    self.issue = issue
  }

  /// Returns what a change says about the issue it belongs to. Pass nil for texts that the payload does not contain.
  ///
  /// A classic id counts most, then closing words, then issue keys; within each, the branch counts more than the title,
  /// and the title more than the body. A mere mention of an issue's number does not count. The URL of an issue counts
  /// like its key, but only for that tracker.
  public func statements(branch: String?, title: String?, body: String?) -> [FollowStatement] {
    let prose = body.map(MarkdownProse.text)
    var statements: [FollowStatement] = []
    let classic = [branch, title, body].compactMap { $0.flatMap(ClassicID.find) }.map { Reference(.classicID, $0) }
    var names = branch.map { IssueKey.all(inBranch: $0).map { Reference(.issue, $0) } + Self.cards(in: $0) } ?? []
    if let title { names += Self.names(in: title) + Self.cards(in: title) }
    if let prose { names += Self.names(in: prose) }
    statements.append(FollowStatement(.explicitID, classic, reach: reach))
    if let prose { statements.append(FollowStatement(.closingWords, closed(byProse: prose), reach: reach)) }
    statements.append(FollowStatement(.issueKey, names.uniqued, reach: reach))
    return statements
  }

  /// Returns cards by their short links. Only short texts contain these on purpose.
  private static func cards(in text: String) -> [Reference] {
    WrittenAddresses.shortLinks(in: text).map { Reference(.issue, $0) }
  }

  /// Returns URLs of issues, then issue keys outside these URLs.
  private static func names(in text: String) -> [Reference] {
    let addresses = WrittenAddresses(in: text)
    return addresses.references + IssueKey.all(in: addresses.rest).map { Reference(.issue, $0) }
  }

  /// Returns what a commit message says about the issue that a build of the commit belongs to.
  ///
  /// It is less trusted than a change that contains the commit, so a classic id counts only like an issue key. A
  /// message never changes, so there are no empty statements to remove earlier ones.
  public func statements(message: String) -> [FollowStatement] {
    let classic = ClassicID.find(in: message).map { [Reference(.classicID, $0)] } ?? []
    return [
      FollowStatement(.closingWords, closed(byProse: MarkdownProse.text(of: message)), reach: reach),
      FollowStatement(.issueKey, classic + Self.names(in: message), reach: reach),
    ].filter { !$0.references.isEmpty }
  }

  private func closed(byProse text: String) -> [Reference] {
    closingWords.issues(inProse: text).flatMap(issue)
  }
}

extension [Reference] {
  /// The references in order, without duplicates.
  fileprivate var uniqued: [Reference] {
    var seen: Set<Reference> = []
    return filter { seen.insert($0).inserted }
  }
}
