import Testing
import ValueStreamTesting

@testable import ValueStreamCore

/// Limits how much an answer about many deploys reads from the store. The tests count reads instead of measuring time.
@Suite("Reading deploys")
struct DeployReadingTests {
  private static let start = Timestamp(seconds: 1_700_000_000)

  private static func key(_ kind: String, _ number: Int) -> SubjectKey {
    SubjectKey(source: "github", host: "github.com", container: "1", kind: kind, id: "\(number)")
  }

  private static func commit(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 40 - digits.count) + digits
  }

  private static func deploy(_ number: Int, from start: Timestamp, to end: Timestamp, environment: String = "production") -> Event
  {
    var event = Event(key: key("deployment", number), time: .vendor(end))
    event.operation = .deploy
    event.state = .ended
    event.outcome = .success
    event.marks = [.begin(.vendor(start)), .end(.vendor(end))]
    event.attributes = [
      Attribute("deployment.environment.name", .string(environment)), Attribute("vcs.ref.head.revision", .string(commit(number))),
    ]
    return event
  }

  private static func push(
    _ branch: String, from old: String?, to new: String, at time: Timestamp
  ) -> BranchUpdate {
    BranchUpdate(
      branch: SubjectKey(source: "github", host: "github.com", container: "1", kind: "branch", id: branch),
      kind: old == nil ? .created : .moved, time: .vendor(time), before: old, after: new,
      commits: [BranchCommit(new, time: time)], isForced: false, isDefaultBranch: branch == "main")
  }

  /// Sequential merges, each deployed within a minute. The changes share one branch, or each has its own.
  private static func history(_ count: Int, secondsBetween: Double, isOneBranch: Bool) -> (
    events: [Event], updates: [BranchUpdate]
  ) {
    var events: [Event] = []
    var updates: [BranchUpdate] = []
    for number in 0..<count {
      let time = start.advanced(bySeconds: Double(number) * secondsBetween)
      let (head, branch) = (commit(1_000_000 + number), isOneBranch ? "develop" : "topic\(number)")
      let former = isOneBranch && number > 0 ? commit(1_000_000 + number - 1) : nil
      updates.append(push(branch, from: former, to: head, at: time.advanced(bySeconds: -20)))
      updates.append(push("main", from: number == 0 ? nil : commit(number - 1), to: commit(number), at: time))
      var change = Event(key: key("pull_request", number), time: .vendor(time))
      change.operation = .pullRequest
      change.state = .ended
      change.outcome = .merged
      change.marks = [.begin(.vendor(time.advanced(bySeconds: -10))), .end(.vendor(time))]
      change.publishes = [Reference(.commit, head), Reference(.commit, commit(number))]
      change.attributes = [
        Attribute("vcs.ref.base.name", "main"), Attribute("vcs.ref.head.name", .string(branch)),
        Attribute("vcs.ref.head.revision", .string(head)),
        Attribute("valuestream.change.merge_revision", .string(commit(number))),
      ]
      events.append(change)
      events.append(deploy(number, from: time.advanced(bySeconds: 10), to: time.advanced(bySeconds: 15)))
    }
    return (events, updates)
  }

  /// Returns the work of reading all deploys with one reader, newest first.
  private static func work(of count: Int, secondsBetween: Double, isOneBranch: Bool) throws -> CountingStore.Work {
    let history = history(count, secondsBetween: secondsBetween, isOneBranch: isOneBranch)
    let store = try CountingStore(projecting: history.events, history.updates)
    var reader = TraceReader(store: store, strategy: .nested)
    let before = store.work
    for number in (0..<count).reversed() {
      let span = try #require(try reader.spans(of: key("deployment", number)).first)
      #expect(span.span.attributes.text(of: "valuestream.deployment.step") == (number == 0 ? "first" : "forward"))
      let deployed = span.links.filter { $0.rule == "deploys" }
      try #require(deployed.map(\.key) == (number == 0 ? [] : [key("pull_request", number)]))
      // The reader searches the newest 200 updates of a branch. On a shared branch, it finds no commits of older changes.
      guard number > 0, !isOneBranch || number > 810 else { continue }
      #expect(deployed[0].attributes.first { $0.name == "valuestream.lead_time.commit" }?.value == .double(35))
    }
    return store.work - before
  }

  @Test(
    "A thousand deploys of one service read each day, each subject and each branch once, and a few names for each deploy",
    arguments: [1.0, 3600, 100_000], [false, true])
  func linear(secondsBetween: Double, isOneBranch: Bool) throws {
    let (few, many) = (100, 1000)
    let small = try Self.work(of: few, secondsBetween: secondsBetween, isOneBranch: isOneBranch)
    let large = try Self.work(of: many, secondsBetween: secondsBetween, isOneBranch: isOneBranch)
    // One read for the deploy and one for its change.
    #expect(large.subjects <= 2 * many + 10)
    // The search covers up to a year of days before the first deploy, and all days between deploys.
    let days = Int(Double(many) * secondsBetween / 86_400)
    #expect(large.references <= 24 * many + 400 + 2 * days)
    #expect(large.keys <= 12 * many)
    #expect(large.branchUpdates <= 8 * many + 400)
    #expect(large.branchUpdates <= 12 * max(small.branchUpdates, few))
    #expect(large.keys <= 12 * max(small.keys, few))
  }

  @Test("Deploys of many new branches between two deploys of main hide neither the first of these nor what was merged in between")
  func newBranches() throws {
    func work(_ count: Int) throws -> CountingStore.Work {
      let main = Self.history(2, secondsBetween: 10_000, isOneBranch: false)
      var (events, updates) = main
      for number in 1...count {
        let time = Self.start.advanced(bySeconds: 100 * Double(number))
        updates.append(Self.push("trial\(number)", from: nil, to: Self.commit(100 + number), at: time))
        events.append(Self.deploy(100 + number, from: time.advanced(bySeconds: 10), to: time.advanced(bySeconds: 15)))
      }
      let store = try CountingStore(projecting: events, updates)
      var reader = TraceReader(store: store, strategy: .nested)
      let before = store.work
      let deploy = try #require(try reader.spans(of: Self.key("deployment", 1)).first)
      func told(_ name: String) -> String? { deploy.span.attributes.text(of: "valuestream.deployment." + name) }
      #expect(told("previous") == Self.key("deployment", 100 + count).description)
      #expect(told("compared") == Self.key("deployment", 0).description)
      #expect(told("changes.basis") == "pushes")
      #expect(deploy.links.map(\.key) == [Self.key("pull_request", 1)])
      return store.work - before
    }
    let count = TraceReader.comparedLimit - 1
    let (one, many) = (try work(1), try work(count))
    // A read of the deploy, and a few of its names and branch.
    #expect(many.subjects <= one.subjects + count)
    #expect(many.branchUpdates <= one.branchUpdates + 8 * count)
    #expect(many.keys <= one.keys + 4 * count)
  }

  @Test("A thousand incidents beside a thousand deploys elsewhere read each deploy once, and follow the one to production")
  func incidents() throws {
    var events = (1...1000).map { number -> Event in
      let time = Self.start.advanced(bySeconds: Double(number) * 10)
      return Self.deploy(number, from: time, to: time.advanced(bySeconds: 5), environment: number == 1 ? "production" : "staging")
    }
    for number in 1...1000 {
      var incident = Event(
        key: Self.key("incident", number), time: .vendor(Self.start.advanced(bySeconds: 20_000 + Double(number))))
      incident.operation = .incident
      incident.marks = [.begin(incident.time)]
      events.append(incident)
    }
    let store = try CountingStore(projecting: events)
    var reader = TraceReader(store: store, strategy: .nested)
    let before = store.work
    for number in 1...1000 {
      let incident = try #require(try reader.spans(of: Self.key("incident", number)).first)
      #expect(incident.links.map(\.key) == [Self.key("deployment", 1)])
    }
    let work = store.work - before
    #expect(work.subjects <= 2000)
    #expect(work.keys <= 3000)
  }

  @Test(
    "One reader for many deploys tells of each what a new one tells, in whichever order they are asked for",
    arguments: Seeds.upTo(40))
  func sharedReader(seed: UInt64) throws {
    let kinds = DeployHistory.Branches.allCases
    let history = DeployHistory(seed: seed, branches: kinds[Int(seed) % kinds.count])
    let store = try CountingStore(projecting: history.events, history.updates)
    var random = SeededRandom(seed: seed)
    var reader = TraceReader(store: store, strategy: .nested)
    for (index, deploy) in history.deploys.shuffled(using: &random).enumerated() {
      // The reader forgets its caches, but not the deploys that it has read by day.
      if index % 7 == 6 { reader.forget(beyond: 0) }
      var fresh = TraceReader(store: store, strategy: .nested)
      let spans = try fresh.spans(of: deploy.key)
      #expect(!spans.isEmpty)
      #expect(try reader.spans(of: deploy.key) == spans)
    }
  }

  @Test("A deploy that began long before it ended comes before those that ended later, and is found under the day of its end")
  func longDeploys() throws {
    func time(_ hours: Double) -> Timestamp { Self.start.advanced(bySeconds: hours * 3600) }
    let store = try CountingStore(projecting: [
      Self.deploy(1, from: time(0), to: time(200)), Self.deploy(2, from: time(190), to: time(195)),
      Self.deploy(3, from: time(210), to: time(211)), Self.deploy(4, from: time(900), to: time(901)),
      Self.deploy(5, from: time(901), to: time(24 * 400)), Self.deploy(6, from: time(24 * 800), to: time(24 * 800 + 1)),
    ])
    var reader = TraceReader(store: store, strategy: .nested)
    let previous = try (1...6).map { number in
      try reader.spans(of: Self.key("deployment", number)).first?.span.attributes.text(of: "valuestream.deployment.previous")
    }
    // Deploy 5 ended more than a year before deploy 6.
    #expect(previous == [2, nil, 1, 3, 4, nil].map { $0.map { Self.key("deployment", $0).description } })
  }
}
