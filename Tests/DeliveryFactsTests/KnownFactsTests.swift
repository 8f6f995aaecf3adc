import DeliveryFacts
import Synchronization
import Testing
import ValueStreamCore

@Suite("Facts of known histories")
struct KnownFactsTests {
  private func facts(_ world: FactWorld) throws -> ReadableFacts {
    let store = FactStoreFake()
    for item in world.items { try store.project([item]) }
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    return try ReadableFacts(store)
  }

  private typealias Request = FactWorld.Request

  private var begun: FactWorld {
    var world = FactWorld()
    world.push("main", at: 0, from: "b0", to: "m0")
    world.deploy("1", of: "m0", at: 5)
    return world
  }

  @Test("A squash merge is one change, and no direct one")
  func squash() throws {
    var world = begun
    let request = Request(number: 1, head: "c2", branch: "topic", opened: 20)
    world.push("topic", at: 10, from: nil, to: "c1")
    world.push("topic", at: 15, from: "c1", to: "c2")
    world.open(request)
    world.merge(request, as: "s1", at: 60)
    world.push("main", at: 60, from: "m0", to: "s1")
    world.deploy("2", of: "s1", at: 70)
    let facts = try facts(world)
    #expect(facts.brought == ["deployment 2": ["pull_request 1"]])
    let change = try #require(facts.changes["pull_request 1"])
    #expect(change.times.firstCommit == FactWorld.time(9))
    #expect(change.times.opened == FactWorld.time(20))
    #expect(change.times.ready == FactWorld.time(20))
    #expect(change.times.merged == FactWorld.time(60))
    #expect(change.state == .merged)
    #expect(change.size == 2)
    #expect(facts.changes.count == 1)
    let deploy = try #require(facts.deploys["deployment 2"]?.first)
    #expect(deploy.step == .forward)
    #expect(deploy.basis == .pushes)
    #expect(deploy.changeCount == 1)
    #expect(facts.text(deploy.previous) == "deployment 1")
    #expect(deploy.created == FactWorld.time(70))
    #expect(deploy.started == FactWorld.time(71))
    #expect(deploy.ended == FactWorld.time(75))
    #expect(facts.text(deploy.target.service) == "acme/1")
    #expect(deploy.commit == CommitPrefix(hash: FactWorld.hash("s1")))
    #expect(facts.deploys["deployment 1"]?.first?.step == .first)
  }

  @Test("A deploy whose source tells no phases began at its start; one that only waited did not begin")
  func withoutPhases() throws {
    var world = begun
    func event(_ id: String, to outcome: Outcome, phases: [PhaseStatement] = []) -> Event {
      var event = Event(key: world.key("deployment", id), time: .vendor(FactWorld.time(80)))
      event.operation = .deploy
      event.state = .ended
      event.outcome = outcome
      event.marks = [.begin(.vendor(FactWorld.time(70))), .end(.vendor(FactWorld.time(80)))]
      event.phases = phases
      return event
    }
    world.add(event("2", to: .success))
    world.add(event("3", to: .cancellation, phases: [PhaseStatement(track: "run", name: "queue", start: FactWorld.time(70))]))
    let facts = try facts(world)
    #expect(facts.deploys["deployment 2"]?.first?.started == FactWorld.time(70))
    #expect(try #require(facts.deploys["deployment 3"]?.first).started == nil)
  }

  @Test("The commits of a merge, rebase or fast-forward are the request's")
  func merges() throws {
    var world = begun
    let merged = Request(number: 1, head: "c2", branch: "topic", opened: 20)
    world.push("topic", at: 10, from: nil, to: "c1")
    world.push("topic", at: 15, from: "c1", to: "c2")
    world.open(merged)
    world.merge(merged, as: "m1", at: 30)
    world.push("main", at: 30, from: "m0", to: "m1", ["c1", "c2", "m1"])
    let rebased = Request(number: 2, head: "d2", branch: "other", opened: 32)
    world.open(rebased)
    world.merge(rebased, as: "r2", at: 40)
    world.push("main", at: 40, from: "m1", to: "r2", ["r1", "r2"])
    let forwarded = Request(number: 3, head: "f2", branch: "third", opened: 42)
    world.open(forwarded)
    world.merge(forwarded, as: nil, at: 50)
    world.push("main", at: 50, from: "r2", to: "f2", ["f1", "f2"])
    world.deploy("2", of: "f2", at: 60)
    let facts = try facts(world)
    #expect(facts.brought == ["deployment 2": ["pull_request 1", "pull_request 2", "pull_request 3"]])
    #expect(facts.changes.count == 3)
  }

  @Test("A push without a request is one direct change, and what follows a merge in a push is one, too")
  func direct() throws {
    var world = begun
    world.push("main", at: 10, from: "m0", to: "d2", ["d1", "d2"])
    let request = Request(number: 1, head: "c1", branch: "topic", opened: 12)
    world.open(request)
    world.merge(request, as: "s1", at: 20)
    world.push("main", at: 21, from: "d2", to: "d3", ["s1", "d3"])
    world.deploy("2", of: "d3", at: 30)
    let facts = try facts(world)
    let (first, second) = ("main \(FactWorld.hash("d2").prefix(7))", "main \(FactWorld.hash("d3").prefix(7))")
    #expect(facts.brought == ["deployment 2": ["direct \(first)", "direct \(second)", "pull_request 1"].sorted()])
    let change = try #require(facts.changes["direct \(first)"])
    #expect(change.id.isDirect)
    #expect(change.labels.traits == [.isDirect])
    #expect(change.times.firstCommit == FactWorld.time(9))
    #expect(change.times.merged == FactWorld.time(10))
    #expect(facts.text(change.labels.repository) == "acme/1")
    #expect(
      change.id.rawValue == SHA256.hash(of: "\(world.key("branch", "main")) \(FactWorld.hash("d2"))").word(at: 0) >> 1 | 1 << 63)
    #expect(facts.deploys["deployment 2"]?.first?.changeCount == 3)
  }

  @Test("A direct change turns into the request that is told late")
  func lateRequest() throws {
    var world = begun
    world.push("main", at: 20, from: "m0", to: "s1")
    world.deploy("2", of: "s1", at: 30)
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    #expect(try ReadableFacts(store).brought["deployment 2"]?.first?.hasPrefix("direct main") == true)
    var later = FactWorld()
    let request = Request(number: 1, head: "c1", branch: "topic", opened: 12)
    later.merge(request, as: "s1", at: 20)
    try store.project(later.items)
    try keeper.computeAll()
    let facts = try ReadableFacts(store)
    #expect(facts.brought == ["deployment 2": ["pull_request 1"]])
    #expect(facts.changes.keys.sorted() == ["pull_request 1"])
  }

  @Test("A revert names its original, and a revert of the revert names that, in any order", arguments: [false, true])
  func reverts(isReversed: Bool) throws {
    var world = begun
    let original = Request(number: 1, head: "c1", branch: "topic", title: "Add a door", opened: 10)
    let revert = Request(number: 2, head: "r1", branch: "revert-1-topic", title: "Revert \"Add a door\"", opened: 20)
    let again = Request(
      number: 3, head: "a1", branch: "revert-2-revert-1-topic", title: "Revert \"Revert \"Add a door\"\"", opened: 30)
    for (request, minute) in [(original, 15.0), (revert, 25), (again, 35)] {
      world.open(request)
      world.merge(request, as: "s\(request.number)", at: minute)
    }
    let store = FactStoreFake()
    var keeper = FactKeeper(store: store, strategy: .nested)
    for item in isReversed ? world.items.reversed() : world.items {
      try store.project([item])
      try keeper.computeAll()
    }
    let facts = try ReadableFacts(store)
    #expect(facts.text(facts.changes["pull_request 2"]?.reverts) == "pull_request 1")
    #expect(facts.text(facts.changes["pull_request 3"]?.reverts) == "pull_request 2")
    #expect(facts.changes["pull_request 1"]?.labels.traits.contains(.isRevert) == false)
    #expect(facts.changes["pull_request 3"]?.labels.traits.contains(.isRevert) == true)
  }

  @Test("A rollback brings nothing, and what comes again after it is repeated")
  func rollback() throws {
    var world = begun
    for number in 1...2 {
      let request = Request(number: number, head: "c\(number)", branch: "topic\(number)", opened: Double(number) * 10)
      world.open(request)
      world.merge(request, as: "m\(number)", at: Double(number) * 10 + 5)
      world.push("main", at: Double(number) * 10 + 5, from: "m\(number - 1)", to: "m\(number)")
      world.deploy("\(number + 1)", of: "m\(number)", at: Double(number) * 100)
    }
    world.deploy("4", of: "m1", at: 300)
    world.deploy("5", of: "m1", at: 400)
    world.deploy("6", of: "m2", at: 500)
    let facts = try facts(world)
    #expect(
      facts.brought == [
        "deployment 2": ["pull_request 1"], "deployment 3": ["pull_request 2"], "deployment 6": ["pull_request 2 again"],
      ])
    let steps = (1...6).map { facts.deploys["deployment \($0)"]?.first?.step }
    #expect(steps == [.first, .forward, .forward, .rollback, .redeploy, .forward])
  }

  @Test("Each environment and service gets a change once, and a service only what is for it")
  func targets() throws {
    var world = FactWorld()
    world.push("main", at: 0, from: "b0", to: "m0")
    for (index, environment) in ["eu", "us"].enumerated() { world.deploy("1\(index)", of: "m0", at: 5, to: environment) }
    for service in ["cart", "web"] { world.deploy("1\(service)", of: "m0", at: 5, service: service) }
    let request = Request(number: 1, head: "c1", branch: "topic", opened: 10)
    world.open(request)
    world.merge(request, as: "m1", at: 20)
    world.push("main", at: 20, from: "m0", to: "m1", services: ["web"])
    world.push("main", at: 25, from: "m1", to: "m2", services: ["cart"])
    for (index, environment) in ["eu", "us"].enumerated() { world.deploy("2\(index)", of: "m1", at: 30, to: environment) }
    for service in ["cart", "web"] { world.deploy("2\(service)", of: "m2", at: 30, service: service) }
    let facts = try facts(world)
    #expect(facts.brought["deployment 20"] == ["pull_request 1"])
    #expect(facts.brought["deployment 21"] == ["pull_request 1"])
    #expect(facts.brought["deployment 2cart"] == ["direct main \(FactWorld.hash("m2").prefix(7))"])
    #expect(facts.brought["deployment 2web"] == ["pull_request 1"])
    #expect(facts.text(facts.deploys["deployment 2web"]?.first?.target.service ?? .none) == "web")
  }

  @Test("A hotfix branch that is pushed and deployed brings its pushes")
  func hotfix() throws {
    var world = begun
    world.push("hotfix/door", at: 10, from: nil, to: "m0", ["m0"])
    world.push("hotfix/door", at: 20, from: "m0", to: "h1")
    world.deploy("2", of: "h1", at: 30)
    let facts = try facts(world)
    #expect(facts.brought == ["deployment 2": ["direct hotfix/door \(FactWorld.hash("h1").prefix(7))"]])
    let change = try #require(facts.changes.values.first { $0.id.isDirect })
    #expect(change.labels.traits == [.isDirect, .isHotfix])
  }

  @Test("Pushes to the branch of a request that is deployed before its merge are the request's")
  func branchDeploy() throws {
    var world = begun
    let request = Request(number: 1, head: "c1", branch: "topic", opened: 12)
    world.push("topic", at: 8, from: nil, to: "m0", ["m0"])
    world.push("topic", at: 10, from: "m0", to: "c1")
    world.open(request)
    world.deploy("2", of: "c1", at: 30)
    world.merge(request, as: "s1", at: 60)
    world.push("main", at: 60, from: "m0", to: "s1")
    world.deploy("3", of: "s1", at: 70)
    let facts = try facts(world)
    #expect(facts.changes.keys.sorted() == ["pull_request 1"])
    #expect(facts.brought["deployment 2"] == nil)
    #expect(facts.brought["deployment 3"] == ["pull_request 1"])
  }

  @Test("Drafts, reviews of bots and rounds of review")
  func reviews() throws {
    var world = FactWorld()
    let request = Request(number: 1, head: "c1", branch: "topic", labels: ["Hotfix"], opened: 0, isDraft: true)
    world.open(request)
    world.review(request, by: "ci", "commented", at: 5, isBot: true)
    world.review(request, by: "bob", "commented", at: 6)
    world.setDraft(request, false, at: 10)
    world.review(request, by: "lint[bot]", "commented", at: 11)
    world.comment(request, by: "ada", at: 12)
    world.review(request, by: "bob", "changes_requested", at: 20)
    world.synchronize(request, at: 50)
    world.review(request, by: "eve", "changes_requested", at: 60)
    world.synchronize(request, at: 65)
    world.review(request, by: "eve", "approved", at: 80)
    world.synchronize(request, at: 85)
    world.review(request, by: "bob", "approved", at: 90)
    world.merge(request, as: "s1", at: 100)
    let change = try #require(try facts(world).changes["pull_request 1"])
    #expect(change.times.ready == FactWorld.time(10))
    #expect(change.times.firstResponse == FactWorld.time(20))
    #expect(change.times.lastApproval == FactWorld.time(90))
    #expect(change.reviewRounds == 2)
    #expect(change.reviewCount == 5)
    // 10-20, 50-60, 65-80 and 85-90; and 20-50, 60-65, 80-85.
    #expect(change.secondsWaitingForReviewer == 40 * 60)
    #expect(change.secondsWaitingForAuthor == 40 * 60)
    #expect(change.labels.traits == [.isHotfix])
  }

  @Test("A creation that is told again, later and without commits, leaves the first commit")
  func creationToldTwice() throws {
    var world = FactWorld()
    let request = Request(number: 1, head: "c1", branch: "topic", opened: 20)
    world.push("topic", at: 10, from: nil, to: "c1")
    world.create("topic", at: 11)
    world.open(request)
    world.merge(request, as: "s1", at: 60)
    #expect(try facts(world).changes["pull_request 1"]?.times.firstCommit == FactWorld.time(9))
    // The branch was removed and made again. Nobody says with which commits.
    world = FactWorld()
    world.push("topic", at: 10, from: nil, to: "c1")
    world.create("topic", at: 15, isDeletion: true)
    world.create("topic", at: 16)
    world.open(request)
    #expect(try facts(world).changes["pull_request 1"]?.times.firstCommit == nil)
  }

  /// A branch with commits of minutes 9, 19 and 29 that a forced push at minute 40 rewrites, and a commit of minute 49 after it.
  ///
  /// - Returns: the minute of the first commit.
  private func firstCommit(afterForcedPushOf commits: [String], count: Int?) throws -> Double? {
    var world = FactWorld()
    world.push("main", at: 1, from: nil, to: "m0")
    world.push("main", at: 35, from: "m0", to: "m1")
    world.push("topic", at: 10, from: nil, to: "c1")
    world.push("topic", at: 20, from: "c1", to: "c2")
    world.push("topic", at: 30, from: "c2", to: "c3")
    world.push("topic", at: 40, from: "c3", to: "d3", commits, isForced: true)
    world.push("topic", at: 50, from: "d3", to: "d4")
    let request = Request(number: 1, head: "d4", branch: "topic", opened: 32, commitCount: count)
    world.open(request)
    world.merge(request, as: "s1", at: 60)
    let time = try facts(world).changes["pull_request 1"]?.times.firstCommit
    return time.map { $0.seconds(since: FactWorld.start) / 60 }
  }

  @Test("A rebase renews the first commit, an amended commit only itself")
  func rewritten() throws {
    #expect(try firstCommit(afterForcedPushOf: ["d1", "d2", "d3"], count: 4) == 39)
    #expect(try firstCommit(afterForcedPushOf: ["d1", "d2", "d3"], count: nil) == 39)
    // A rebase brings the commits of the base along.
    #expect(try firstCommit(afterForcedPushOf: ["m1", "d1", "d2", "d3"], count: 4) == 39)
    #expect(try firstCommit(afterForcedPushOf: ["d3"], count: 4) == 9)
    #expect(try firstCommit(afterForcedPushOf: ["d3"], count: nil) == 9)
    // All commits became one.
    #expect(try firstCommit(afterForcedPushOf: ["d3"], count: 2) == 39)
    #expect(try firstCommit(afterForcedPushOf: ["d2", "d3"], count: 3) == 39)
    // A commit was added meanwhile.
    #expect(try firstCommit(afterForcedPushOf: ["d2", "d3", "d3b"], count: 5) == 9)
  }

  @Test("A commit that the base already had is not the first of a change")
  func commitOfBase() throws {
    var world = FactWorld()
    world.push("main", at: 1, from: nil, to: "m0")
    world.push("main", at: 5, from: "m0", to: "m1")
    world.push("topic", at: 10, from: nil, to: "m1")
    world.push("topic", at: 20, from: "m1", to: "c1")
    let request = Request(number: 1, head: "c1", branch: "topic", opened: 21)
    world.open(request)
    world.merge(request, as: "s1", at: 60)
    #expect(try facts(world).changes["pull_request 1"]?.times.firstCommit == FactWorld.time(19))
  }

  @Test("What is told late of a subject that retention removed leaves its facts")
  func late() throws {
    let request = Request(number: 1, head: "c1", branch: "topic", opened: 32)
    var world = FactWorld()
    world.push("topic", at: 10, from: nil, to: "c1")
    world.open(request)
    world.merge(request, as: "s1", at: 60)
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    let before = try ReadableFacts(store).lines
    store.state.withLock { $0.keptKeys = [world.key("pull_request", "1")] }
    var later = FactWorld()
    later.comment(request, by: "bob", at: 5000)
    try store.project(later.items)
    try keeper.computeAll()
    #expect(try ReadableFacts(store).lines == before)
  }

  @Test("A reopened change is one change; a draft that is closed was never ready")
  func reopened() throws {
    var world = FactWorld()
    let request = Request(number: 1, head: "c1", branch: "topic", opened: 0)
    world.open(request)
    world.close(request, at: 10)
    world.reopen(request, at: 20)
    world.merge(request, as: "s1", at: 30)
    let draft = Request(number: 2, head: "d1", branch: "draft", author: "renovate[bot]", opened: 0, isDraft: true)
    world.open(draft)
    world.close(draft, at: 10)
    let open = Request(number: 3, head: "e1", branch: "open", opened: 0, isDraft: true)
    world.open(open)
    let facts = try facts(world)
    let change = try #require(facts.changes["pull_request 1"])
    #expect(change.times.opened == FactWorld.time(0))
    #expect(change.times.merged == FactWorld.time(30))
    #expect(change.state == .merged && change.abandoned == nil)
    let closed = try #require(facts.changes["pull_request 2"])
    #expect(closed.state == .abandoned && closed.abandoned == FactWorld.time(10))
    #expect(closed.times.ready == nil)
    #expect(closed.labels.traits == [.isByBot])
    #expect(facts.changes["pull_request 3"]?.labels.traits == [.isDraft])
    #expect(facts.changes["pull_request 3"]?.day == nil)
  }

  @Test("A merge of a long-lived branch is one, and a change on another's branch is none")
  func backMerge() throws {
    for isReversed in [false, true] {
      var world = FactWorld()
      let feature = Request(number: 1, head: "c1", branch: "feature", base: "develop", opened: 0)
      world.open(feature)
      world.merge(feature, as: "d1", at: 10)
      world.push("develop", at: 10, from: "d0", to: "d1")
      let back = Request(number: 2, head: "d1", branch: "develop", opened: 20)
      world.open(back)
      world.merge(back, as: "m1", at: 30)
      let first = Request(number: 3, head: "e1", branch: "first", opened: 40)
      world.open(first)
      let stacked = Request(number: 4, head: "e2", branch: "second", base: "first", opened: 50)
      world.open(stacked)
      world.merge(stacked, as: "e3", at: 60)
      world.push("first", at: 60, from: "e1", to: "e3")
      world.merge(Request(number: 3, head: "e3", branch: "first", opened: 40), as: "m2", at: 70)
      let store = FactStoreFake()
      var keeper = FactKeeper(store: store, strategy: .nested)
      for item in isReversed ? world.items.reversed() : world.items {
        try store.project([item])
        try keeper.computeAll()
      }
      let facts = try ReadableFacts(store)
      let marked = (1...4).filter { facts.changes["pull_request \($0)"]?.labels.traits.contains(.isBackMerge) ?? false }
      #expect(marked == [2])
    }
  }

  @Test("A push that is told late gives the deploys after it their changes")
  func latePush() throws {
    var world = begun
    let request = Request(number: 1, head: "c1", branch: "topic", opened: 10)
    world.open(request)
    world.merge(request, as: "m1", at: 20)
    world.deploy("2", of: "m2", at: 30)
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    #expect(try ReadableFacts(store).brought.isEmpty)
    var later = FactWorld()
    later.push("main", at: 20, from: "m0", to: "m1")
    try store.project(later.items)
    try keeper.computeAll()
    later = FactWorld()
    later.push("main", at: 21, from: "m1", to: "m2")
    try store.project(later.items)
    try keeper.computeAll()
    let facts = try ReadableFacts(store)
    #expect(facts.brought == ["deployment 2": ["direct main \(FactWorld.hash("m2").prefix(7))", "pull_request 1"]])
  }

  @Test("A deploy whose clock is hours behind brings the change that is told after it")
  func clockSkew() throws {
    var world = begun
    let request = Request(number: 1, head: "c1", branch: "topic", opened: 210)
    world.push("main", at: 220, from: "m0", to: "m1")
    world.push("main", at: 221, from: "m1", to: "m2")
    world.deploy("2", of: "m2", at: 100)
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    var later = FactWorld()
    later.merge(request, as: "m1", at: 220)
    try store.project(later.items)
    try keeper.computeAll()
    let facts = try ReadableFacts(store)
    #expect(facts.brought["deployment 2"]?.contains("pull_request 1") == true)
  }

  @Test("Deploys that failed, that were rejected and that run bring nothing")
  func outcomes() throws {
    var world = begun
    world.push("main", at: 10, from: "m0", to: "m1")
    world.deploy("2", of: "m1", at: 20, .failure, production: true)
    world.deploy("3", of: "m1", at: 30, .cancellation)
    world.deploy("4", of: "m1", at: 40, nil)
    let facts = try facts(world)
    let outcomes = (1...4).map { facts.deploys["deployment \($0)"]?.first?.outcome }
    #expect(outcomes == [.success, .failure, .cancelled, .running])
    #expect(facts.deploys["deployment 2"]?.first?.target.traits == [.isProduction])
    #expect(facts.deploys["deployment 4"]?.first?.day == nil)
    #expect(facts.brought.isEmpty)
  }

  @Test("An issue has its statuses, its first change and its type, which its changes take over")
  func issues() throws {
    var world = FactWorld()
    world.issue("7", at: 0, created: 0, type: nil, status: "To do")
    world.issue("7", at: 20, created: 0, type: nil, status: "Doing", assigned: true)
    let second = Request(number: 2, head: "c2", branch: "two", issue: "7", opened: 40)
    let first = Request(number: 1, head: "c1", branch: "one", issue: "7", opened: 30)
    world.open(second)
    world.open(first)
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    var later = FactWorld()
    later.issue("7", at: 50, created: 0, type: "Bug", closed: .notPlanned)
    try store.project(later.items)
    try keeper.computeAll()
    let facts = try ReadableFacts(store)
    let issue = try #require(facts.issues["issue 7"])
    #expect(issue.firstChange == FactWorld.time(30))
    #expect(issue.firstAssignment == FactWorld.time(20))
    #expect(issue.closed == FactWorld.time(50))
    #expect(issue.traits == [.isNotDone])
    #expect(issue.statuses.map { facts.text($0.status) } == ["To do", "Doing"])
    #expect(issue.statuses.map(\.end) == [FactWorld.time(20), FactWorld.time(50)])
    #expect(facts.text(facts.changes["pull_request 1"]?.labels.workType ?? .none) == "Bug")
    #expect(facts.text(facts.changes["pull_request 1"]?.issue) == "issue 7")
  }

  @Test("An incident is laid to the latest deploy before it, even if that is told late")
  func incidents() throws {
    var world = begun
    world.issue("7", at: 100, created: 100, type: nil, isIncident: true)
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    var facts = try ReadableFacts(store)
    // The issue names no service, so its repository decides, and it names no environment.
    #expect(facts.text(facts.incidents["issue 7"]?.cause) == "deployment 1")
    #expect(facts.incidents["issue 7"]?.basis == .latestDeploy)
    var later = FactWorld()
    later.deploy("2", of: "m0", at: 50, .failure)
    later.deploy("3", of: "m0", at: 200)
    try store.project(later.items)
    try keeper.computeAll()
    facts = try ReadableFacts(store)
    #expect(facts.text(facts.incidents["issue 7"]?.cause) == "deployment 2")
    #expect(facts.incidents["issue 7"]?.resolved == nil)
  }

  @Test("An incident that was seen resolved, but of which nobody tells when, has no known duration until somebody does")
  func incidentResolution() throws {
    var world = begun
    world.issue("7", at: 100, created: 100, type: nil, isIncident: true)
    world.issue("7", at: 160, created: 100, type: nil, isIncident: true, closed: .completed, isEndTold: false)
    let seen = try #require(try facts(world).incidents["issue 7"])
    #expect(seen.resolved == FactWorld.time(160))
    #expect(seen.isResolutionUnknown)
    world.issue("7", at: 130, created: 100, type: nil, isIncident: true, closed: .completed)
    let told = try #require(try facts(world).incidents["issue 7"])
    #expect(told.resolved == FactWorld.time(130))
    #expect(!told.isResolutionUnknown)
  }

  @Test("Runs and jobs of changes, failed ones and repeated ones are facts; others are none")
  func runs() throws {
    var world = FactWorld()
    world.run("1", of: "x1", at: 0)
    world.job("11", in: "1", of: "x1", at: 0)
    world.run("2", of: "x2", at: 0, .failure)
    world.job("21", in: "2", of: "x2", at: 0, .failure)
    world.run("3", of: "x3", at: 0)
    world.run("3", of: "x3", at: 30, attempt: 2)
    world.job("31", in: "3", of: "x3", at: 30, attempt: 2)
    world.run("4", of: "c1", at: 0)
    world.job("41", in: "4", of: "c1", at: 0)
    world.run("5", of: "c1", at: 0, nil)
    let store = FactStoreFake()
    try store.project(world.items)
    var keeper = FactKeeper(store: store, strategy: .nested)
    try keeper.computeAll()
    #expect(try ReadableFacts(store).runs.keys.sorted() == ["job 21", "job 31", "run 2", "run 3"])
    var later = FactWorld()
    later.open(Request(number: 1, head: "c1", branch: "topic", opened: 20))
    try store.project(later.items)
    try keeper.computeAll()
    let facts = try ReadableFacts(store)
    #expect(facts.runs.keys.sorted() == ["job 21", "job 31", "job 41", "run 2", "run 3", "run 4"])
    #expect(facts.text(facts.runs["job 41"]?.first?.change) == "pull_request 1")
    #expect(facts.runs["run 3"]?.map(\.attempt).sorted() == [1, 2])
    #expect(facts.runs["job 31"]?.first?.attempt == 2)
    #expect(facts.text(facts.runs["job 41"]?.first?.job ?? .none) == "test")
  }
}
