import Testing
import ValueStreamTesting

@testable import ValueStreamCore

/// Limits what a reading costs if very many subjects share a name or a day.
///
/// Each reading has a reader of its own, as each delivery has in the daemon. The tests count reads instead of measuring time.
@Suite("Limits of reading deploys")
struct DeployLimitTests {
  /// The beginning of a day.
  private static let start = Timestamp(seconds: 1_700_006_400)
  private static let main = key("branch", "main")

  private static func key(_ kind: String, _ id: some CustomStringConvertible) -> SubjectKey {
    SubjectKey(source: "github", host: "github.com", container: "1", kind: kind, id: "\(id)")
  }

  private static func time(_ second: Int) -> Timestamp { start.advanced(bySeconds: Double(second)) }

  private static func commit(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 40 - digits.count) + digits
  }

  private static func event(_ kind: String, _ number: Int, _ operation: Operation, from begin: Int, to end: Int) -> Event {
    var event = Event(key: key(kind, number), time: .vendor(time(end)))
    event.operation = operation
    event.owner = "github.com/acme"
    event.state = .ended
    event.marks = [.begin(.vendor(time(begin))), .end(.vendor(time(end)))]
    return event
  }

  private static func deploy(_ number: Int, at second: Int, commit revision: Int = 1, outcome: Outcome = .success) -> Event {
    var event = event("deployment", number, .deploy, from: second, to: second + 1)
    event.outcome = outcome
    event.attributes = [
      Attribute(AttributeName.deploymentEnvironmentName, .string("production")),
      Attribute(AttributeName.vcsRefHeadRevision, .string(commit(revision))),
    ]
    return event
  }

  /// A change that was merged to the branch `main`.
  private static func change(_ number: Int, at second: Int, head: Int, mergedAs merge: Int? = nil) -> Event {
    var event = event("pull_request", number, .pullRequest, from: second - 10, to: second)
    event.outcome = .merged
    event.publishes = [head, merge].compactMap { $0 }.map { Reference(.commit, commit($0)) }
    event.attributes = [
      Attribute(AttributeName.vcsRefBaseName, .string("main")),
      Attribute(AttributeName.vcsRefHeadRevision, .string(commit(head))),
    ]
    if let merge { event.attributes.append(Attribute(AttributeName.valuestreamChangeMergeRevision, .string(commit(merge)))) }
    return event
  }

  private struct Reading {
    var span: TracedSpan
    var work: CountingStore.Work
    var cutLookUpCount: Int

    var step: String? { span.span.attributes.text(of: "valuestream.deployment.step") }
    var previous: String? { span.span.attributes.text(of: "valuestream.deployment.previous") }
  }

  private static func read(_ key: SubjectKey, in store: CountingStore) throws -> Reading {
    var reader = TraceReader(store: store, strategy: .nested)
    let before = store.work
    let span = try #require(try reader.spans(of: key).first)
    return Reading(span: span, work: store.work - before, cutLookUpCount: reader.cutLookUpCount)
  }

  // MARK: Names

  @Test("A deploy of a commit that very many changes have costs no more with more of them")
  func popularCommit() throws {
    func keyCounts(of count: Int) throws -> [Int] {
      let changes = (0..<count).map { Self.change($0, at: 100 + $0 % 50, head: 7) }
      let deploys = (0..<10).map { Self.deploy($0, at: 1000 + 10 * $0, commit: $0.isMultiple(of: 2) ? 7 : 8) }
      let store = try CountingStore(projecting: changes + deploys)
      return try (0..<10).map { number in
        let reading = try Self.read(Self.key("deployment", number), in: store)
        #expect(reading.previous == (number == 0 ? nil : Self.key("deployment", number - 1).description))
        #expect(reading.work.subjects <= 11)
        #expect((reading.cutLookUpCount > 0) == (number > 0))
        return reading.work.keys
      }
    }
    let few = try keyCounts(of: Correlator.publisherLimit + 50)
    #expect(try keyCounts(of: 2000) == few)
  }

  @Test("A commit of so many changes as may be has all of them")
  func sharedCommit() throws {
    let changes = (0..<Correlator.publisherLimit).map { Self.change($0, at: 100 + $0, head: 2) }
    let push = BranchUpdate(
      branch: Self.main, kind: .moved, time: .vendor(Self.time(300)), before: Self.commit(1), after: Self.commit(2),
      commits: [BranchCommit(Self.commit(2))], isForced: false, isDefaultBranch: true)
    let store = try CountingStore(
      projecting:
        changes + [Self.deploy(1, at: 10), Self.deploy(2, at: 400, commit: 2)], [push])
    let reading = try Self.read(Self.key("deployment", 2), in: store)
    #expect(reading.step == "forward")
    #expect(reading.span.links.filter { $0.rule == "deploys" }.count == changes.count)
    #expect(reading.cutLookUpCount == 0)
  }

  @Test("A deploy of many commits with many changes each reads a bounded number of changes, those of the last commits")
  func manyChanges() throws {
    let (commits, each) = (60, 90)
    let changes = (0..<commits * each).map { Self.change($0, at: 100 + $0, head: 2 + $0 / each) }
    let pushes = (2..<2 + commits).map { number in
      BranchUpdate(
        branch: Self.main, kind: .moved, time: .vendor(Self.time(6000 + number)), before: Self.commit(number - 1),
        after: Self.commit(number), commits: [BranchCommit(Self.commit(number))], isForced: false, isDefaultBranch: true)
    }
    let store = try CountingStore(
      projecting:
        changes + [Self.deploy(1, at: 10), Self.deploy(2, at: 7000, commit: 1 + commits)], pushes)
    let reading = try Self.read(Self.key("deployment", 2), in: store)
    #expect(reading.step == "forward")
    #expect(reading.work.subjects <= TraceReader.changeLimit + TraceReader.linkLimit + 10)
    #expect(reading.cutLookUpCount == 1)
    let count = TraceReader.changeLimit / each * each
    #expect(reading.span.span.attributes.value(of: "valuestream.deployment.changes.count") == .int(Int64(count)))
    #expect(reading.span.links.allSatisfy { Int($0.key.encodedID).map { $0 >= changes.count - count } ?? false })
  }

  @Test("A commit that very many branches were made at costs its deploys no more with more of them")
  func popularBranchPoint() throws {
    func work(of count: Int) throws -> Int {
      let updates = (0..<count).map { number in
        BranchUpdate(
          branch: Self.key("branch", "topic\(number)"), kind: .created, time: .vendor(Self.time(number)), before: nil,
          after: Self.commit(7), commits: [], isForced: false, isDefaultBranch: false)
      }
      let store = try CountingStore(
        projecting: [Self.deploy(1, at: 10, commit: 7), Self.deploy(2, at: 5000, commit: 8)], updates)
      return try Self.read(Self.key("deployment", 2), in: store).work.branchUpdates
    }
    #expect(try work(of: 500) >= 500)
    #expect(try work(of: 2500) <= TraceReader.branchMoveLimit + 1)
  }

  // MARK: Days

  @Test(
    "A day with very many deploys costs each of them a bounded number of reads, and each still finds the one before it",
    arguments: [1200, 3000], [false, true])
  func crowdedDay(count: Int, isReversed: Bool) throws {
    let deploys = (0..<count).map { Self.deploy($0, at: 20 * $0) }
    let store = try CountingStore(projecting: isReversed ? deploys.reversed() : deploys)
    for number in [1, 2, count / 3, count / 2, count - 2, count - 1] {
      let reading = try Self.read(Self.key("deployment", number), in: store)
      #expect(reading.previous == Self.key("deployment", number - 1).description)
      #expect(reading.work.subjects <= TraceReader.dayLimit + 2)
      #expect(reading.work.keys <= 2 * TraceReader.dayLimit + 10)
    }
  }

  @Test("Many deploys that share a reader read each deploy of a day with very many once")
  func crowdedDayInOneReader() throws {
    let count = 1500
    let store = try CountingStore(projecting: (0..<count).map { Self.deploy($0, at: 20 * $0) })
    var reader = TraceReader(store: store, strategy: .nested)
    let before = store.work.subjects
    for number in 1000..<1100 {
      let span = try #require(try reader.spans(of: Self.key("deployment", number)).first)
      #expect(span.span.attributes.text(of: "valuestream.deployment.previous") == Self.key("deployment", number - 1).description)
    }
    #expect(store.work.subjects - before <= count)
  }

  @Test("Of a year of deploys that failed, a reading passes over a bounded number", arguments: [4000, 6000])
  func failures(count: Int) throws {
    let each = 100
    let failed = (1...count).map { Self.deploy($0, at: 86_400 * (1 + $0 / each) + $0 % each, outcome: .failure) }
    let last = Self.deploy(count + 1, at: 86_400 * (2 + count / each))
    let store = try CountingStore(projecting: [Self.deploy(0, at: 0)] + failed + [last])
    let reading = try Self.read(last.key, in: store)
    #expect(reading.work.subjects <= TraceReader.earlierDeployLimit + 2)
    let isFound = count < TraceReader.earlierDeployLimit
    #expect(reading.previous == (isFound ? Self.key("deployment", 0).description : nil))
    #expect(reading.step == (isFound ? "redeploy" : "first"))
    #expect((reading.cutLookUpCount == 0) == isFound)
  }

  // MARK: Merges

  @Test("Times of merging tell the changes of a deploy unless a day has very many of them", arguments: [900, 1200])
  func crowdedMerges(count: Int) throws {
    let changes = (1...count).map { Self.change($0, at: 20 * $0, head: 100_000 + $0, mergedAs: $0) }
    let deploys = [Self.deploy(1, at: 205, commit: 10), Self.deploy(2, at: 405, commit: 20)]
    let store = try CountingStore(projecting: changes + deploys)
    let reading = try Self.read(Self.key("deployment", 2), in: store)
    let deployed = reading.span.links.filter { $0.rule == "deploys" }.map(\.key)
    if count <= TraceReader.dayLimit {
      #expect(deployed == (11...20).map { Self.key("pull_request", $0) })
      #expect(reading.work.subjects <= count + 2)
    } else {
      #expect(reading.step == "unknown" && deployed.isEmpty)
      #expect(reading.work.subjects <= 10)
      #expect(reading.cutLookUpCount > 0)
    }
  }

  @Test("Whether anything was merged to a branch is found at its first merges, and after a bounded number if nothing was")
  func longLivedBranch() throws {
    let count = 2500
    let store = try CountingStore(projecting: (1...count).map { Self.change($0, at: 20 * $0, head: 100_000 + $0, mergedAs: $0) })
    func hasChange(after start: Int, until end: Int) throws -> (Bool, Int) {
      var reader = TraceReader(store: store, strategy: .nested)
      let before = store.work.subjects
      let found = try reader.hasChange(mergedTo: Self.main, after: Self.time(start), until: Self.time(end))
      return (found, store.work.subjects - before)
    }
    let (isMerged, few) = try hasChange(after: -86_400 * 30, until: 86_399)
    #expect(isMerged && few <= 50)
    let (isEarlier, many) = try hasChange(after: -86_400 * 30, until: 5)
    #expect(!isEarlier && many <= TraceReader.dayLimit)
    let (isLater, none) = try hasChange(after: 86_400, until: 2 * 86_400)
    #expect(!isLater && none == 0)
  }

  // MARK: Children

  private static func builds(_ count: Int, of commit: Int) -> [Event] {
    (0..<count).map { number in
      var build = event("run", number, .build, from: 1000 + number, to: 1001 + number)
      build.follows = [FollowStatement(.commit, [Reference(.commit, Self.commit(commit))])]
      return build
    }
  }

  @Test("The children of a change are found among few and many followers, up to a limit", arguments: [150, 700])
  func children(count: Int) throws {
    let store = try CountingStore(projecting: [Self.change(1, at: 100, head: 1)] + Self.builds(count, of: 1))
    for limit in [50, 300, 1000] {
      var reader = TraceReader(store: store, strategy: .nested)
      let children = try reader.children(of: Self.key("pull_request", 1), limit: limit)
      #expect(children.count == min(limit, count))
      #expect(children == Array(Set(children)).sorted())
    }
    var reader = TraceReader(store: store, strategy: .nested)
    let traceID = TraceID(root: Self.key("pull_request", 1))
    #expect(try reader.members(ofTrace: traceID, limit: 1000)?.subjects.count == count + 1)
  }

  @Test("Those who follow a name that leads nowhere, or to another, are not all read for the children of a publisher")
  func strangers() throws {
    let builds = Self.builds(TraceReader.followerLimit + 500, of: 1)
    func work(beside others: Int) throws -> Int {
      let store = try CountingStore(projecting: (0...others).map { Self.change($0, at: 100, head: 1) } + builds)
      var reader = TraceReader(store: store, strategy: .nested)
      let before = store.work.subjects
      #expect(try reader.children(of: Self.key("pull_request", 0), limit: 1000).isEmpty)
      return store.work.subjects - before
    }
    #expect(try work(beside: 1) <= TraceReader.followerLimit + 2)
    #expect(try work(beside: Correlator.publisherLimit) <= 2)
  }
}
