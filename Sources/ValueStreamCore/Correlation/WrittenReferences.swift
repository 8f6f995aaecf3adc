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
  /// title before the body. A mere mention of an issue's number is no tie.
  ///
  /// - Parameters: nil for what the payload does not hold.
  public func statements(branch: String?, title: String?, body: String?) -> [FollowStatement] {
    let prose = body.map(MarkdownProse.text)
    var statements: [FollowStatement] = []
    let classic = [branch, title, body].compactMap { $0.flatMap(ClassicID.find) }.map { Reference(.classicID, $0) }
    let keys = (branch.map(IssueKey.all(inBranch:)) ?? []) + [title, prose].flatMap { $0.map { IssueKey.all(in: $0) } ?? [] }
    statements.append(FollowStatement(.explicitID, classic, reach: reach))
    if let body { statements.append(FollowStatement(.closingWords, closed(by: body), reach: reach)) }
    statements.append(FollowStatement(.issueKey, keys.uniqued.map { Reference(.issue, $0) }, reach: reach))
    return statements
  }

  /// What the message of a commit says of what was made of it: less than a change that the commit belongs to, so a classic id counts
  /// no more here than a key. It never changes, so what it does not say needs no statement.
  public func statements(message: String) -> [FollowStatement] {
    let classic = ClassicID.find(in: message).map { [Reference(.classicID, $0)] } ?? []
    let keys = IssueKey.all(in: message).map { Reference(.issue, $0) }
    return [
      FollowStatement(.closingWords, closed(by: message), reach: reach),
      FollowStatement(.issueKey, classic + keys, reach: reach),
    ].filter { !$0.references.isEmpty }
  }

  private func closed(by text: String) -> [Reference] {
    closingWords.issues(in: text).flatMap(issue)
  }
}

extension [String] {
  /// Each once, in order.
  fileprivate var uniqued: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}
