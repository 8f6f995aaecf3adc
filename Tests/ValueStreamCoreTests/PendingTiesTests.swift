import Testing
import ValueStreamTesting

@testable import ValueStreamCore

/// Tests that each step reexamines a bounded number of followers, and that later steps continue with the rest.
@Suite("Pending ties")
struct PendingTiesTests {
  // MARK: Laws

  @Test(
    "However few followers a step looks at, in any order and batches: the same spans, parents and links",
    arguments: Seeds.upTo(16))
  func order(seed: UInt64) throws {
    let events = PopularNames(seed: seed, followers: seed % 4 == 0 ? 80 : 25).events
    let expected = MemorySpanStore()
    var correlation = Correlation(store: expected)
    for event in events { _ = try correlation.take(event) }
    expected.write(correlation.finish())
    #expect(try PendingSteps.difference(PendingSteps.ties(in: expected), PendingSteps.tiesWorkedOut(in: expected)) == [])
    #expect(try PendingSteps.ties(in: expected).count > 3)
    let spans = try TraceStrategy.allCases.map { try PendingSteps.spans(in: expected, $0) }
    var random = SeededRandom(seed: seed)
    for followersPerStep in [1, 7, Int.max] {
      for batch in [nil, 1, 1000] {
        // Some events arrive twice.
        let sent = (events + events.filter { _ in random.oneIn(6) }).shuffled(using: &random)
        let store = MemorySpanStore()
        try PendingSteps.project(sent, batch: batch, followersPerStep: followersPerStep, into: store, &random)
        let told: Comment = "\(followersPerStep) a step, batches of \(batch ?? -1)"
        #expect(try PendingSteps.difference(PendingSteps.ties(in: store), PendingSteps.tiesWorkedOut(in: store)) == [], told)
        #expect(try PendingSteps.difference(PendingSteps.ties(in: store), PendingSteps.ties(in: expected)) == [], told)
        #expect(try TraceStrategy.allCases.map { try PendingSteps.spans(in: store, $0) } == spans, told)
      }
    }
  }

  @Test("A name that becomes too popular, and one that is about to, end the same", arguments: [UInt64(1)])
  func limit(seed: UInt64) throws {
    let publishers = Correlator.publisherLimit * 3 + Int(seed) * 8
    let events = PopularNames(seed: seed, followers: 30, publishers: publishers).events
    var random = SeededRandom(seed: seed)
    var ends: [[SubjectKey: ParentTie]] = []
    for followersPerStep in [1, 7, Int.max] {
      let store = MemorySpanStore()
      try PendingSteps.project(
        events.shuffled(using: &random), followersPerStep: followersPerStep, into: store, &random)
      ends.append(try PendingSteps.ties(in: store))
      #expect(try ends.last == PendingSteps.tiesWorkedOut(in: store))
    }
    #expect(Set(ends).count == 1)
  }

  // MARK: Work

  private static let commit = Reference(.commit, String(repeating: "ab", count: 20))

  private static func event(_ kind: String, _ id: Int) -> Event {
    let time = EventTime.vendor(Timestamp(seconds: 1_710_000_000 + Int64(id)))
    var event = Event(
      key: SubjectKey(source: "github", host: "github.com", container: "1", kind: kind, id: "\(id)"), time: time,
      attempt: .counted)
    event.owner = "github.com/acme"
    event.marks = [.begin(time)]
    return event
  }

  private static func followers(_ count: Int) -> [Event] {
    (0..<count).map { id in
      var build = event("run", id)
      build.operation = .build
      build.follows = [FollowStatement(.commit, [commit])]
      return build
    }
  }

  private static func publisher(_ id: Int) -> Event {
    var change = event("pull_request", id)
    change.operation = .pullRequest
    change.publishes = [commit]
    return change
  }

  @Test("A step looks at no more followers than it may, and all steps together at each once a move", arguments: [1, 7, 50, 1000])
  func bounded(followersPerStep: Int) throws {
    let count = 400
    let store = CountingStore()
    var random = SeededRandom(seed: 1)
    try PendingSteps.project(Self.followers(count), batch: 100, followersPerStep: followersPerStep, into: store, &random)
    // The first publisher becomes the parent of all followers. The second one, of the same owner, makes the reference
    // ambiguous, so all of them lose their parent.
    for (number, expected) in [Self.publisher(0).key, nil].enumerated() {
      var before = store.work
      let beginning = store.work
      var steps = 0
      try PendingSteps.project([Self.publisher(number)], batch: 1, followersPerStep: followersPerStep, into: store, &random) {
        _ in
        let work = store.work - before
        // Besides the followers, a step reads publishers and checks whether a reference has followers.
        #expect(work.subjects <= followersPerStep + 4)
        #expect(work.keys <= followersPerStep + 12)
        before = store.work
        steps += 1
      }
      let work = store.work - beginning
      #expect((count...count + 8 * steps).contains(work.subjects))
      #expect(work.keys <= count + 16 * steps)
      #expect(steps >= count / followersPerStep)
      #expect(steps <= 2 * (count / followersPerStep) + 20)
      #expect(try PendingSteps.ties(in: store).count == (expected == nil ? 0 : count))
    }
  }

  @Test("Many publishers in one batch cost one look at each follower")
  func onceABatch() throws {
    let store = CountingStore()
    var random = SeededRandom(seed: 1)
    try PendingSteps.project(Self.followers(300), followersPerStep: .max, into: store, &random)
    let before = store.work
    var correlation = Correlation(store: store, pending: PendingTies())
    for id in 0..<90 { _ = try correlation.take(Self.publisher(id)) }
    try correlation.reexamineFollowers()
    try store.write(correlation.finish())
    #expect((store.work - before).subjects <= 300 + 90 + 2)
  }

  @Test("A name that moves while its followers are looked at is gone through once around, not anew each time")
  func around() {
    var pending = PendingTies()
    let name = Self.commit
    pending.add(name)
    pending.pass(name, upTo: 40)
    pending.add(name)
    pending.add(name)
    #expect(pending.count == 1)
    #expect(pending.next?.after == 40)
    #expect(pending.next?.end == nil)
    pending.pass(name, upTo: nil)
    #expect(pending.next?.after == 0)
    #expect(pending.next?.end == 40)
    // The reference changes again during the second round. The scan continues to the end, then starts over up to place 10.
    pending.pass(name, upTo: 10)
    pending.add(name)
    #expect(pending.next?.after == 10)
    #expect(pending.next?.end == nil)
    pending.pass(name, upTo: nil)
    #expect(pending.next?.end == 10)
    pending.pass(name, upTo: nil)
    #expect(pending.isEmpty)
  }

  // MARK: Storage

  @Test("What is pending is stored and read back as it is, and what cannot be read is nothing", arguments: Seeds.upTo(50))
  func encoding(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var pending = PendingTies()
    let names = (0..<8).map { Reference(.commit, "\($0)") } + [.key(PopularNames.follower(1)), Reference(.customID, "ü/\u{0}")]
    for _ in 0..<40 {
      let name = names.randomElement(using: &random) ?? names[0]
      switch Int.random(in: 0...3, using: &random) {
      case 0, 1: pending.add(name)
      case 2: pending.pass(name, upTo: UInt64.random(in: 1...UInt64(Int64.max), using: &random))
      default: pending.pass(name, upTo: nil)
      }
      let encoded = pending.encoded
      #expect(PendingTies(encoded: encoded) == pending)
      for length in 1..<max(2, encoded.count) where length < encoded.count {
        #expect(PendingTies(encoded: Array(encoded.prefix(length))).isEmpty)
      }
      if var newer = Optional(encoded), !newer.isEmpty {
        newer[0] = 200
        #expect(PendingTies(encoded: newer).isEmpty)
      }
    }
    #expect(PendingTies().encoded.isEmpty)
  }
}
