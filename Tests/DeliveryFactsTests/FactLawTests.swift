import DeliveryFacts
import GitHubWebhooks
import Simulator
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Laws of facts")
struct FactLawTests {
  /// Projects items in order and computes all facts at the end.
  private static func fromScratch(_ items: [FactWorld.Item]) throws -> (store: FactStoreFake, facts: ReadableFacts) {
    let store = FactStoreFake()
    try store.project(items)
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    return (store, try ReadableFacts(store))
  }

  private static func difference(_ one: [String], _ other: [String]) -> [String] {
    let (left, right) = (Set(one), Set(other))
    return left.subtracting(right).sorted().map { "- \($0)" } + right.subtracting(left).sorted().map { "+ \($0)" }
  }

  @Test(
    "Facts are the same in any order, with small steps, restarts and failed writes in between", arguments: Seeds.upTo(24))
  func anyOrder(seed: UInt64) throws {
    let history = FactHistory(seed: seed)
    let expected = try Self.fromScratch(history.world.items).facts.lines
    #expect(expected.count > 30)
    var random = SeededRandom(seed: seed)
    for order in 0..<3 {
      let items =
        order == 0
        ? history.world.items : order == 1 ? history.world.items.reversed() : history.world.items.shuffled(using: &random)
      let store = FactStoreFake()
      let limits = FactKeeper.Limits(pending: [1, 3, 256][order], affected: [2, 1, 128][order])
      let allowance = FactKeeper.Allowance(ofChange: [64, 0, 1][order], most: [65_536, 5, 20][order])
      var keeper = FactKeeper(store: store, strategy: .nested, limits: limits, allowance: allowance)
      var rest = items[...]
      while !rest.isEmpty {
        let count = [1, 1, 2, 5, 30][Int.random(in: 0...4, using: &random)]
        try store.project(rest.prefix(count))
        rest = rest.dropFirst(count)
        for _ in 0..<Int.random(in: 0...3, using: &random) {
          if random.oneIn(20) {
            store.state.withLock { $0.failsNextWrite = true }
            _ = try? keeper.step(now: FactWorld.time(1_000_000))
            store.state.withLock { $0.failsNextWrite = false }
          }
          _ = try keeper.step(now: FactWorld.time(1_000_000))
          if random.oneIn(3) { keeper.grant() }
        }
        if random.oneIn(10) { keeper = FactKeeper(store: store, strategy: .nested, limits: limits, allowance: allowance) }
      }
      try keeper.computeAll()
      let difference = Self.difference(try ReadableFacts(store).lines, expected)
      #expect(difference.isEmpty, "order \(order):\n\(difference.joined(separator: "\n"))")
      if !difference.isEmpty { return }
    }
  }

  @Test("Facts of a history of GitHub's webhooks are the same in any order", arguments: [UInt64(2)])
  func webhooks(seed: UInt64) throws {
    let source = GitHubSource()
    let history = HistoryGenerator(
      HistoryConfiguration(seed: seed, days: 6, scale: 0.6, until: Timestamp(seconds: 1_795_543_200)))
    var items: [[FactWorld.Item]] = []
    for sent in history {
      let delivery = Delivery(source: source.name, received: sent.time, headers: sent.headers, body: sent.body)
      guard case .events(let events, let updates) = try source.events(in: delivery) else { continue }
      items.append(events.map { .event($0) } + updates.map { .push($0) })
    }
    let expected = try Self.fromScratch(Array(items.joined())).facts
    #expect(expected.brought.count > 3)
    #expect(expected.runs.count > 50)
    var random = SeededRandom(seed: seed)
    for order in 0..<3 {
      let deliveries = order == 0 ? items : order == 1 ? items.reversed() : items.shuffled(using: &random)
      let store = FactStoreFake()
      var keeper = FactKeeper(store: store, strategy: .nested, limits: FactKeeper.Limits(pending: 40, affected: 20))
      for start in stride(from: 0, to: deliveries.count, by: 7) {
        try store.project(deliveries[start..<min(start + 7, deliveries.count)].joined())
        if random.oneIn(2) { _ = try keeper.step(now: FactWorld.time(1_000_000)) }
      }
      try keeper.computeAll()
      let difference = Self.difference(try ReadableFacts(store).lines, expected.lines)
      #expect(difference.isEmpty, "order \(order):\n\(difference.joined(separator: "\n"))")
    }
  }

  @Test("Computing all facts again changes nothing", arguments: Seeds.upTo(10))
  func again(seed: UInt64) throws {
    let history = FactHistory(seed: seed)
    let (store, facts) = try Self.fromScratch(history.world.items)
    store.recomputeFacts()
    var keeper = FactKeeper(store: store, strategy: .nested, limits: FactKeeper.Limits(pending: 5, affected: 5))
    try keeper.computeAll()
    let difference = Self.difference(try ReadableFacts(store).lines, facts.lines)
    #expect(difference.isEmpty, "\(difference.joined(separator: "\n"))")
  }

  @Test("The changes of a deploy are those that its span links", arguments: Seeds.upTo(10))
  func sameAsSpans(seed: UInt64) throws {
    let history = FactHistory(seed: seed)
    let (store, facts) = try Self.fromScratch(history.world.items)
    var reader = TraceReader(store: store, strategy: .nested)
    var count = 0
    for (name, deploys) in facts.deploys {
      let key = try #require(store.state.withLock { state in state.keys.values.first { $0.shortText == name } })
      let span = try #require(try reader.spans(of: key).first)
      let links = span.links.filter { $0.rule == "deploys" }.map(\.key.shortText).sorted()
      let brought = (facts.brought[name] ?? []).filter { !$0.hasPrefix("direct") }.map { $0.replacing(" again", with: "") }
      #expect(brought.sorted() == links)
      count += links.count
      let step = span.span.attributes.text(of: "valuestream.deployment.step")
      let fact = try #require(deploys.first)
      #expect(step == nil || step == "\(fact.step)")
      let previous = span.span.attributes.text(of: "valuestream.deployment.previous").flatMap { SubjectKey($0)?.shortText }
      #expect(facts.text(deploys.first?.previous) == previous ?? "-")
    }
    #expect(count > 0)
  }

  @Test(
    "Services and environments that only look alike are told apart, in any order and after a restart", arguments: Seeds.upTo(6))
  func spelling(seed: UInt64) throws {
    let names = ["caf\u{E9}", "cafe\u{301}"]
    #expect(names[0] == names[1] && !names[0].hasSameBytes(as: names[1]))
    var world = FactWorld()
    world.push("main", at: 0, from: "b0", to: "m0")
    var expected: [String: [[UInt8]]] = [:]
    var previous: [[UInt8]: String] = [:]
    var origins: [String: String] = [:]
    for number in 1...12 {
      let (service, environment) = (names[number % 2], names[number / 2 % 2])
      let minute = Double(number) * 100
      let head = "h\(number)"
      world.open(FactWorld.Request(number: number, head: head, branch: "topic\(number)", opened: minute - 50))
      world.merge(
        FactWorld.Request(number: number, head: head, branch: "topic\(number)", opened: minute - 50), as: "m\(number)", at: minute
      )
      world.push("main", at: minute, from: "m\(number - 1)", to: "m\(number)")
      world.deploy("\(number)", of: "m\(number)", at: minute + 10, to: environment, service: service)
      let place = Array("\(service)/\(environment)".utf8)
      expected["deployment \(number)"] = [Array(service.utf8), Array(environment.utf8)]
      origins["deployment \(number)"] = previous[place] ?? "-"
      previous[place] = "deployment \(number)"
    }
    var random = SeededRandom(seed: seed)
    let store = FactStoreFake()
    var keeper = FactKeeper(store: store, strategy: .nested)
    for item in seed == 0 ? world.items : world.items.shuffled(using: &random) {
      try store.project([item])
      if random.oneIn(2) { try keeper.computeAll() }
      if random.oneIn(10) { keeper = FactKeeper(store: store, strategy: .nested) }
    }
    try keeper.computeAll()
    let facts = try ReadableFacts(store)
    for (name, deploys) in facts.deploys {
      let fact = try #require(deploys.first)
      #expect([fact.target.service, fact.target.environment].map { Array(facts.text($0).utf8) } == expected[name], "\(name)")
      #expect(facts.text(fact.previous) == origins[name], "\(name)")
    }
    #expect(facts.deploys.count == 12)
  }

  @Test("An import from newest to oldest costs about as much as one from oldest to newest, in bounded steps")
  func importOrder() throws {
    var world = FactWorld()
    world.push("main", at: 0, from: "b0", to: "m0")
    for number in 1...200 {
      let minute = Double(number) * 100
      let request = FactWorld.Request(number: number, head: "h\(number)", branch: "topic\(number)", opened: minute - 50)
      world.open(request)
      world.merge(request, as: "m\(number)", at: minute)
      world.push("main", at: minute, from: "m\(number - 1)", to: "m\(number)")
      world.deploy("\(number)", of: "m\(number)", at: minute + 10)
    }
    var counts: [Int] = []
    for items in [world.items, world.items.reversed()] {
      let store = FactStoreFake()
      let limits = FactKeeper.Limits(pending: 20, affected: 10)
      var keeper = FactKeeper(store: store, strategy: .nested, limits: limits)
      var count = 0
      for start in stride(from: 0, to: items.count, by: 10) {
        try store.project(items[start..<min(start + 10, items.count)])
        // The import is faster than the computation.
        if start % 20 == 0 {
          _ = try keeper.step(now: FactWorld.time(1_000_000))
          #expect(keeper.lastComputedCount <= 2 * (limits.pending + limits.affected))
          count += keeper.lastComputedCount
        }
      }
      while try keeper.step(now: FactWorld.time(1_000_000)) {
        #expect(keeper.lastComputedCount <= 2 * (limits.pending + limits.affected))
        count += keeper.lastComputedCount
      }
      let facts = try ReadableFacts(store)
      #expect(facts.brought.count == 199)
      counts.append(count)
    }
    #expect(counts.allSatisfy { $0 < 4 * 400 }, "\(counts)")
  }

  @Test("What comes at the present computes nothing of the past")
  func present() throws {
    var world = FactWorld()
    world.push("main", at: 0, from: "b0", to: "m0")
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    var counts: [Int] = []
    for number in 1...50 {
      var world = FactWorld()
      let minute = Double(number) * 100
      let request = FactWorld.Request(number: number, head: "h\(number)", branch: "topic\(number)", opened: minute - 50)
      world.open(request)
      world.merge(request, as: "m\(number)", at: minute)
      world.push("main", at: minute, from: "m\(number - 1)", to: "m\(number)")
      world.deploy("\(number)", of: "m\(number)", at: minute + 10)
      var count = 0
      for item in world.items {
        try store.project([item])
        while try keeper.step(now: FactWorld.time(minute)) { count += keeper.lastComputedCount }
        count += keeper.lastComputedCount
      }
      counts.append(count)
    }
    // The change is computed for each of its two events and for its push, and the deploy for each of its two.
    #expect(counts.allSatisfy { $0 <= 6 }, "\(counts)")
  }
}
