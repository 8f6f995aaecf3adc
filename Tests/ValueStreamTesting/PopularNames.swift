package import ValueStreamCore

/// Generated histories of references that many subjects follow and few publish.
///
/// Every event may change where a reference leads. The histories contain publishers of several owners, and owners that
/// arrive late or change. They also contain merge commits, followed by full and abbreviated hashes, provisional keys, reused
/// aliases, and publishers that follow references themselves.
package struct PopularNames: Sendable {
  package var events: [Event] = []

  private static let owners = ["github.com/acme", "github.com/zenith", "github.com/else"]
  /// The first two hashes share their first 12 digits.
  private static let commits = [
    String(repeating: "a", count: 40), String(repeating: "a", count: 12) + String(repeating: "b", count: 28),
    String(repeating: "c", count: 40),
  ]
  private static let ids = (1...3).map { ClassicID.make(source: "github", type: "issue", namespace: "site", id: "\($0)") }
  private static let deploys = ["production/a", "staging/a"]

  /// - Parameters:
  ///   - followers: The number of subjects that follow references.
  ///   - publishers: The number of subjects that publish aliases, besides those with a provisional key.
  package init(seed: UInt64, followers: Int = 40, publishers: Int = 5) {
    var random = SeededRandom(seed: seed)
    for number in 0..<publishers {
      for _ in 0..<Int.random(in: 1...4, using: &random) { events.append(Self.publisher(number, &random)) }
    }
    for number in 1...Self.ids.count where random.oneIn(2) { events.append(Self.named(number, &random)) }
    for number in 0..<followers {
      for _ in 0..<(random.oneIn(5) ? 2 : 1) { events.append(Self.follower(number, &random)) }
    }
    events.shuffle(using: &random)
  }

  /// Returns the key of a follower.
  package static func follower(_ number: Int) -> SubjectKey {
    SubjectKey(source: "github", host: "github.com", container: "1", kind: "run", id: "\(number)")
  }

  private static func publisher(_ number: Int, _ random: inout SeededRandom) -> Event {
    var event = event(SubjectKey(source: "github", host: "github.com", container: "1", kind: "issue", id: "\(number)"), &random)
    event.operation = random.oneIn(2) ? .pullRequest : .issue
    event.owner = random.oneIn(4) ? nil : owners.randomElement(using: &random)
    if random.oneIn(3), let commit = commits.randomElement(using: &random) {
      event.outcome = .merged
      event.attributes.append(Attribute("valuestream.change.merge_revision", .string(commit)))
    }
    for name in names where random.oneIn(3) { event.publishes.append(name) }
    // Only one subject publishes each id. Otherwise, which subject absorbs the provisional key would depend on the order.
    if number < ids.count, random.oneIn(2) { event.publishes.append(Reference(.classicID, ids[number])) }
    if random.oneIn(3) { event.follows.append(statement(&random)) }
    return event
  }

  /// Returns an event about a subject with a provisional key, which holds a name instead of an id.
  private static func named(_ number: Int, _ random: inout SeededRandom) -> Event {
    var event = event(
      SubjectKey(source: "github", host: "github.com", container: "=site", kind: "issue", id: "\(number)"), &random)
    event.operation = .issue
    event.publishes = [Reference(.classicID, ids[number - 1])]
    if random.oneIn(2) { event.publishes.append(Reference(.commit, commits[0])) }
    if random.oneIn(2) { event.follows.append(statement(&random)) }
    return event
  }

  private static func follower(_ number: Int, _ random: inout SeededRandom) -> Event {
    var event = event(follower(number), &random)
    event.operation = random.oneIn(2) ? .build : .deploy
    event.owner = random.oneIn(3) ? nil : owners.randomElement(using: &random)
    for _ in 0..<Int.random(in: 1...2, using: &random) { event.follows.append(statement(&random)) }
    return event
  }

  private static let names =
    commits.map { Reference(.commit, $0) } + deploys.map { Reference(.deployOfArtifact, $0) } + [
      Reference(.address, "https://a/1")
    ]

  private static func statement(_ random: inout SeededRandom) -> FollowStatement {
    let reach: ReferenceReach = random.oneIn(3) ? .sameOwner : .anywhere
    func commit() -> String { commits.randomElement(using: &random) ?? "" }
    switch Int.random(in: 0...5, using: &random) {
    case 0, 1: return FollowStatement(.commit, [Reference(.commit, commit())], reach: reach)
    case 2:
      let length = [8, 12, 14][Int.random(in: 0...2, using: &random)]
      return FollowStatement(.commit, [Reference(.commit, String(commit().prefix(length)))], reach: reach)
    case 3:
      let id = ids.randomElement(using: &random) ?? ""
      return FollowStatement(.explicitID, [Reference(.classicID, random.oneIn(2) ? id : id + "-fix")], reach: reach)
    case 4:
      let key = SubjectKey(
        source: "github", host: "github.com", container: "1", kind: "issue", id: "\(Int.random(in: 0...5, using: &random))")
      return FollowStatement(.vendorLink, [.key(key)], reach: reach)
    default: return FollowStatement(.vendorLink, [names.randomElement(using: &random) ?? .key(follower(0))], reach: reach)
    }
  }

  private static func event(_ key: SubjectKey, _ random: inout SeededRandom) -> Event {
    func instant() -> EventTime {
      .vendor(Timestamp(seconds: 1_700_000_000 + Int64(Int.random(in: 0...600, using: &random))))
    }
    var event = Event(key: key, time: instant(), attempt: .counted)
    event.marks = [.begin(instant())]
    if random.oneIn(3) {
      event.marks.append(.end(instant()))
      event.state = .ended
    }
    event.attributes = [Attribute("a", .int(Int64.random(in: 0...1000, using: &random)))]
    return event
  }
}
