import Testing
import ValueStreamTesting

@testable import ValueStreamCore

@Suite("Limits of an update of a branch")
struct BranchUpdateLimitTests {
  private static func branch(_ name: String) -> SubjectKey {
    SubjectKey(source: "github", host: "github.com", container: "1", kind: "branch", id: name)
  }

  private static func update(
    of name: String = "main", before: String? = nil, after: String? = nil, at seconds: Int64 = 0, commits: [BranchCommit] = []
  ) -> BranchUpdate {
    BranchUpdate(
      branch: branch(name), kind: .moved, time: .vendor(Timestamp(seconds: 1_700_000_000 + seconds)), before: before,
      after: after, commits: commits, isForced: false, isDefaultBranch: false)
  }

  private static func commit(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 40 - digits.count) + digits
  }

  @Test("Whatever a sender says, what is kept of it is bounded, and the same when it is bounded again", arguments: Seeds.upTo(40))
  func bounded(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    func text(_ counts: [Int]) -> String { String(repeating: "é", count: counts.randomElement(using: &random) ?? 1) }
    let commits = (0..<([0, 1, 300, 4000].randomElement(using: &random) ?? 0)).map { number in
      BranchCommit(
        Int.random(in: 0..<10, using: &random) == 0 ? text([1, 32, 33, 8000]) : Self.commit(number),
        services: Bool.random(using: &random) ? (0..<Int.random(in: 0...300, using: &random)).map { "s\($0)" } : nil)
    }
    let update = Self.update(of: text([1, 9, 9000]), before: text([20, 33]), after: text([20, 9000]), commits: commits)
    let limited = update.limited()
    #expect(limited.limited() == limited)
    #expect(limited.weight <= BranchUpdate.byteLimit + Event.Limit.referenceBytes)
    #expect(limited.branch.description.utf8.count <= Event.Limit.referenceBytes)
    #expect((limited.before ?? "").utf8.count <= BranchUpdate.Limit.commitBytes)
    #expect((limited.after ?? "").utf8.count <= BranchUpdate.Limit.commitBytes)
    #expect(limited.commits.allSatisfy { $0.id.utf8.count <= BranchUpdate.Limit.commitBytes })
    #expect(limited.commits.allSatisfy { $0.services?.count ?? 0 <= BranchUpdate.Limit.services })
    #expect(limited.isCutShort == (limited.commits.count < commits.count))
  }

  @Test("The largest push that GitHub lists is kept whole, the oldest commits of a larger one are left out")
  func oldestCommits() {
    let largest = Self.update(after: Self.commit(2047), commits: (0..<2048).map { BranchCommit(Self.commit($0)) })
    #expect(largest.limited() == largest)
    let tooLarge = Self.update(after: Self.commit(9999), commits: (0..<10_000).map { BranchCommit(Self.commit($0)) }).limited()
    #expect(tooLarge.isCutShort)
    #expect(tooLarge.commits.count > 2048)
    #expect(tooLarge.commits == (10_000 - tooLarge.commits.count..<10_000).map { BranchCommit(Self.commit($0)) })
  }

  @Test("Long names of branches that differ only at their ends stay apart")
  func longNames() {
    let name = String(repeating: "x", count: 5000)
    #expect(Self.update(of: name + "1").limited().branch != Self.update(of: name + "2").limited().branch)
  }

  @Test("A cut update is counted once")
  func counted() {
    var correlation = Correlation(store: MemorySpanStore())
    correlation.take(Self.update(after: Self.commit(1)))
    #expect(correlation.exceeded[.branchUpdate] == nil)
    correlation.take(Self.update(after: String(repeating: "a", count: 65)))
    #expect(correlation.exceeded[.branchUpdate] == 1)
    #expect(correlation.finish().branchUpdates.map(\.after) == [Self.commit(1), nil])
  }

  @Test("However many branches were at a commit, and however large the pushes of a branch are, few are read")
  func reading() throws {
    let store = CountingStore()
    var changes = ProjectionChanges()
    changes.branchUpdates = (0..<5000).map { Self.update(of: "topic\($0)", after: Self.commit(1), at: Int64($0)) }
    let commits = (0..<2000).map { BranchCommit(Self.commit($0)) }
    changes.branchUpdates += (0..<200).map { Self.update(after: Self.commit($0 + 10_000), at: Int64($0), commits: commits) }
    try store.write(changes)
    let updates = BranchUpdates(store)
    let before = store.work
    let found = try updates.updates(to: Self.commit(1))
    #expect(found.count == 1000)
    #expect(found.first?.branch == Self.branch("topic0"), "those that came first")
    let large = try updates.history(of: Self.branch("main"), limit: 200).updates
    #expect(large.last?.after == Self.commit(10_199), "the newest")
    #expect(large.count >= 20 && large.count < 60)
    #expect((store.work - before).branchUpdates == found.count + large.count)
  }
}
