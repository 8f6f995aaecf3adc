import DeliveryFacts
import Synchronization
import Testing
import ValueStreamCore

/// Tests that the work for facts is in proportion to what was sent, whatever was sent. Counts work, not time.
@Suite("Work for facts")
struct FactWorkTests {
  /// A repository with a push and a deploy of each service every 100 minutes.
  private static func world(deploys: Int, services: [String?] = [nil]) -> FactWorld {
    var world = FactWorld()
    world.push("main", at: 0, from: "b0", to: "m0")
    for number in 1...deploys {
      let minute = Double(number) * 100
      world.push("main", at: minute, from: "m\(number - 1)", to: "m\(number)")
      for (index, service) in services.enumerated() {
        world.deploy("\(number)\(index)", of: "m\(number)", at: minute + 10, service: service)
      }
    }
    return world
  }

  private static func lines(_ items: [FactWorld.Item]) throws -> [String] {
    let store = FactStoreFake()
    try store.project(items)
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    return try ReadableFacts(store).lines
  }

  @Test("Pushes from before all deploys, one by one, compute no more than each allows, and the rest once for all of them")
  func backdatedPushes() throws {
    let (deploys, pushes, services) = (60, 200, ["a", "b", "c"])
    let world = Self.world(deploys: deploys, services: services)
    let store = FactStoreFake()
    try store.project(world.items)
    let allowance = FactKeeper.Allowance(ofChange: 8, most: 100)
    var keeper = FactKeeper(store: store, strategy: .nested, limits: .init(affected: 16), allowance: allowance)
    try keeper.computeAll()
    var late = FactWorld()
    for number in 0..<pushes { late.push("late\(number)", at: 80 - Double(number) / 4, from: nil, to: "x\(number)") }
    var count = 0
    for item in late.items {
      try store.project([item])
      count += try keeper.computeAllowed()
    }
    #expect(count <= allowance.most + allowance.ofChange * pushes)
    #expect(keeper.isExhausted)
    #expect(keeper.waitingCount <= services.count + 1, "one pass for each service, and the repository")
    // What is left: the rest of the running passes, and one more.
    #expect(try keeper.computeAll() <= 2 * deploys * services.count)
    #expect(keeper.waitingCount == 0 && !keeper.isExhausted)
    #expect(try ReadableFacts(store).lines == Self.lines(world.items + late.items))
  }

  @Test("A pass reaches the newest deploy although earlier times are queued all the time")
  func reachesEnd() throws {
    let deploys = 40
    let world = Self.world(deploys: deploys)
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested, allowance: .init(ofChange: 4, most: 4))
    try keeper.computeAll()
    let newest = world.key("deployment", "\(deploys)0")
    let before = store.state.withLock { $0.writeCounts[newest] ?? 0 }
    for number in 0..<deploys {
      var late = FactWorld()
      late.push("late\(number)", at: 80 - Double(number), from: nil, to: "x\(number)")
      try store.project(late.items)
      try keeper.computeAllowed()
    }
    #expect(keeper.isExhausted)
    #expect(store.state.withLock { $0.writeCounts[newest] ?? 0 } > before)
  }

  @Test("Subjects that are queued again and again leave a part of the work for deploys")
  func fairness() throws {
    var world = Self.world(deploys: 1)
    world.issue("7", at: 0, created: 0, type: "Story")
    for number in 100..<200 {
      world.open(FactWorld.Request(number: number, head: "c\(number)", branch: "b\(number)", issue: "7", opened: 50))
    }
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested, allowance: .init(ofChange: 8, most: 8))
    try keeper.computeAll()
    let deploy = world.key("deployment", "10")
    let before = store.state.withLock { $0.writeCounts[deploy] ?? 0 }
    for number in 0..<60 {
      var late = FactWorld()
      late.issue("7", at: 200 + Double(number), created: 0, type: ["Bug", "Story"][number % 2])
      if number == 20 { late.push("late", at: 50, from: nil, to: "x") }
      try store.project(late.items)
      try keeper.computeAllowed()
    }
    #expect(keeper.isExhausted)
    #expect(store.state.withLock { $0.writeCounts[deploy] ?? 0 } > before)
  }

  @Test("A pass over incidents reads the list of them once, in however many steps")
  func incidents() throws {
    let count = 600
    var world = FactWorld()
    world.push("main", at: 0, from: "b0", to: "m0")
    for number in 1...count {
      world.issue("\(number)", at: 1000 + Double(number), created: 1000 + Double(number), type: nil, isIncident: true)
    }
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested, limits: .init(affected: 10))
    try keeper.computeAll()
    let before = store.state.withLock(\.rowsVisited)
    var late = FactWorld()
    late.deploy("1", of: "m0", at: 5)
    try store.project(late.items)
    #expect(try keeper.computeAll() >= count)
    #expect(store.state.withLock(\.rowsVisited) - before <= 2 * count)
    #expect(try ReadableFacts(store).lines == Self.lines(world.items + late.items))
  }

  @Test("A pass over many deploys of one day reads the list of them once, in however many steps")
  func oneDay() throws {
    var world = FactWorld()
    let count = 300
    world.push("main", at: 0, from: "b0", to: "m0")
    for number in 1...count { world.deploy("\(number)", of: "m0", at: 100 + Double(number)) }
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    let allowance = FactKeeper.Allowance(ofChange: 0, most: count + count / 16 + 8)
    keeper = FactKeeper(store: store, strategy: .nested, limits: .init(affected: 10), allowance: allowance)
    var late = FactWorld()
    late.push("late", at: 50, from: nil, to: "x1")
    try store.project(late.items)
    #expect(try keeper.computeAllowed() == count)
    #expect(!keeper.isExhausted && keeper.waitingCount == 0)
  }

  @Test("A delivery writes a bounded number of bytes, however much is known of its repository")
  func bytesWritten() throws {
    let store = FactStoreFake()
    var keeper = FactKeeper(store: store, strategy: .nested)
    var counts: [Int] = []
    for number in 1...300 {
      var world = FactWorld()
      let minute = Double(number) * 2000
      world.push("main", at: minute, from: "m\(number - 1)", to: "m\(number)")
      world.deploy("\(number)", of: "m\(number)", at: minute + 10, service: "service-\(number)")
      let request = FactWorld.Request(
        number: number, head: "h\(number)", branch: "t\(number)", base: "b\(number)", opened: minute)
      world.open(request)
      world.merge(request, as: "c\(number)", at: minute)
      let before = store.state.withLock(\.valueBytesWritten)
      try store.project(world.items)
      try keeper.computeAll()
      counts.append(store.state.withLock(\.valueBytesWritten) - before)
    }
    // Only late pushes concern several services, and this is none.
    #expect(counts.allSatisfy { $0 < 2000 }, "\(counts.max() ?? 0)")
  }

  @Test("A late push writes no more than it allows to compute, however many services have deployed since")
  func bytesOfLatePushes() throws {
    let (services, pushes) = (300, 100)
    var world = FactWorld()
    world.push("main", at: 0, from: "b0", to: "m0")
    for number in 1...services { world.deploy("\(number)", of: "m0", at: 1000, service: "service-\(number)") }
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested, allowance: .init(ofChange: 8, most: 40))
    try keeper.computeAll()
    let before = store.state.withLock(\.valueBytesWritten)
    for number in 0..<pushes {
      var late = FactWorld()
      late.push("late\(number)", at: 900 - Double(number), from: nil, to: "x\(number)")
      try store.project(late.items)
      try keeper.computeAllowed()
    }
    let written = store.state.withLock(\.valueBytesWritten) - before
    // A visit to all services is one row for each of them, and the last one may exceed the allowance.
    #expect(written <= 200 * (pushes * 9 + 40 + services), "\(written)")
  }

  // MARK: Limits

  @Test("Beyond the limits of what is remembered, facts are computed, and each excess is counted")
  func limits() throws {
    let store = FactStoreFake()
    var keeper = FactKeeper(store: store, strategy: .nested)
    var exceeded: [FactLimit: Int] = [:]
    func compute(_ items: [FactWorld.Item]) throws {
      try store.project(items)
      repeat {
        let hasMore = try keeper.step(now: FactWorld.time(1_000_000))
        exceeded.merge(keeper.lastExceeded, uniquingKeysWith: +)
        if !hasMore { return }
      } while true
    }
    var world = FactWorld()
    for number in 1...FactLimit.reverts.value + 20 {
      world.open(
        FactWorld.Request(
          number: 1000 + number, head: "r\(number)", branch: "revert-7-topic", title: "Revert \"A change\"",
          opened: Double(number)))
    }
    try compute(world.items)
    #expect(exceeded == [.reverts: 20])
    exceeded = [:]
    world = FactWorld()
    world.push("main", at: 0, from: "b0", to: "m0")
    for number in 1...FactLimit.services.value + 10 {
      world.deploy("\(number)", of: "m0", at: 10, service: "service-\(number)")
    }
    try compute(world.items)
    #expect(Set(exceeded.keys) == [.services])
    #expect(try ReadableFacts(store).deploys.count == FactLimit.services.value + 10)
  }

  // MARK: Items that are set aside

  @Test("A deploy that is not admitted leaves those before and after it to be computed")
  func admission() throws {
    var world = FactWorld()
    world.push("main", at: 0, from: "b0", to: "m0")
    world.deploy("1", of: "m0", at: 5)
    let request = FactWorld.Request(number: 1, head: "h1", branch: "topic", opened: 10)
    world.open(request)
    world.merge(request, as: "m1", at: 20)
    world.push("main", at: 30, from: "m2", to: "m3")
    for number in 2...6 { world.deploy("\(number)", of: "m3", at: 40 + Double(number) * 10) }
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    var late = FactWorld()
    late.push("main", at: 20, from: "m0", to: "m1")
    late.push("main", at: 25, from: "m1", to: "m2")
    try store.project(late.items)
    keeper.limits = FactKeeper.Limits(pending: 1, affected: 1)
    let bad = FactItem.subject(world.key("deployment", "4"))
    var admitted: [FactItem] = []
    while try keeper.step(
      now: FactWorld.time(1_000_000),
      admission: { item in
        if item != bad { admitted.append(item) }
        return item != bad
      })
    {}
    for number in [2, 3, 5, 6] { #expect(admitted.contains(.subject(world.key("deployment", "\(number)"))), "\(number)") }
    #expect(keeper.setAsideCount == 1 && keeper.waitingCount == 0)
    #expect(try ReadableFacts(store).brought["deployment 2"]?.contains("pull_request 1") == true)
    // It stays so after a restart.
    keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    #expect(keeper.setAsideCount == 1)
  }

  @Test("What an earlier version remembered is removed, and all facts are computed again")
  func earlierVersion() throws {
    let world = Self.world(deploys: 5)
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    let lines = try ReadableFacts(store).lines
    store.state.withLock { state in
      state.values = [
        "facts.work.3": Array("s \(world.key("deployment", "10"))\nd 5 service".utf8), "facts.work.4": [],
        "facts.repository.9": Array("github:github.com:1 20000 0 [] []".utf8), "facts.originals": Array("commit:a b".utf8),
        "facts.rules": Array("version=2".utf8), "other": [1],
      ]
      for id in state.rows.keys where state.subjects[id]?.key == world.key("deployment", "10") { state.rows[id] = nil }
    }
    #expect(try ReadableFacts(store).lines != lines)
    keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    #expect(try ReadableFacts(store).lines == lines)
    let values = store.state.withLock(\.values)
    #expect(!values.keys.contains { $0.hasPrefix("facts.work.") || $0.hasPrefix("facts.repository.") || $0 == "facts.originals" })
    #expect(values["other"] == [1])
  }
}
