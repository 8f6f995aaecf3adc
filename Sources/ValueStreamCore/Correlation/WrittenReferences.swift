/// What people write about where their work belongs: the one place that says which words count, and how much.
public struct WrittenReferences {
  /// Which words close issues here.
  public var closingWords: ClosingWords
  /// How far what is written reaches.
  public var reach: ReferenceReach
  /// The names under which an issue may be known that a text closes.
  private let issue: (ClosingWords.Issue) -> [Reference]

  public init(
    _ closingWords: ClosingWords, reach: ReferenceReach = .anywhere,
    issue: @escaping (ClosingWords.Issue) -> [Reference]
  ) {
    self.closingWords = closingWords
    self.reach = reach
    self.issue = issue
  }

  /// What a change says: a classic id counts most, then words that close an issue, then the key of one; in each the branch before the
  /// title before the body. A mere mention of an issue's number is no tie. The address of an issue in a tracker counts as its key does,
  /// in that tracker only.
  ///
  /// - Parameters: nil for what the payload does not hold.
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

  /// Cards by their short links, which only a short text names on purpose.
  private static func cards(in text: String) -> [Reference] {
    WrittenAddresses.shortLinks(in: text).map { Reference(.issue, $0) }
  }

  /// Addresses of issues, then keys that stand for themselves.
  private static func names(in text: String) -> [Reference] {
    let addresses = WrittenAddresses(in: text)
    return addresses.references + IssueKey.all(in: addresses.rest).map { Reference(.issue, $0) }
  }

  /// What the message of a commit says of what was made of it: less than a change that the commit belongs to, so a classic id counts
  /// no more here than a key. It never changes, so what it does not say needs no statement.
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
  /// Each once, in order.
  fileprivate var uniqued: [Reference] {
    var seen: Set<Reference> = []
    return filter { seen.insert($0).inserted }
  }
}
