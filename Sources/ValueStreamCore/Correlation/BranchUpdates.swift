/// What a store knows of branches, each asked for once while it is remembered. Not to be shared between threads.
final class BranchUpdates {
  private let store: any SpanStore
  private var histories: [BranchQuery: BranchHistory] = [:]
  private var updatesTo: [String: [BranchUpdate]] = [:]
  /// How many commits the updates list that are remembered.
  private var commitCount = 0

  /// More commits are not remembered: all is forgotten, and read again where it is asked for again.
  private static let commitLimit = 100_000

  private struct BranchQuery: Hashable {
    var branch: SpanKey
    var limit: Int
  }

  init(_ store: any SpanStore) {
    self.store = store
  }

  /// The last updates of a branch.
  func history(of branch: SpanKey, limit: Int) throws -> BranchHistory {
    let query = BranchQuery(branch: branch, limit: limit)
    if let known = histories[query] { return known }
    let history = BranchHistory(try store.branchUpdates(of: branch, limit: limit))
    makeRoom(for: history.updates)
    histories[query] = history
    return history
  }

  /// The updates that led to a commit, of any branch, the last of them last.
  func updates(to commit: String) throws -> [BranchUpdate] {
    if let known = updatesTo[commit] { return known }
    let updates = try store.branchUpdates(to: commit)
    makeRoom(for: updates)
    updatesTo[commit] = updates
    return updates
  }

  private func makeRoom(for updates: [BranchUpdate]) {
    let count = updates.reduce(1) { $0 + 1 + $1.commits.count }
    if commitCount + count > Self.commitLimit {
      (histories, updatesTo, commitCount) = ([:], [:], 0)
    }
    commitCount += count
  }
}

/// Updates of one branch, the last of them last.
struct BranchHistory {
  let updates: [BranchUpdate]
  /// Which updates list a commit, in ascending order.
  private let places: [String: [Int]]

  init(_ updates: [BranchUpdate]) {
    self.updates = updates
    var places: [String: [Int]] = [:]
    for (index, update) in updates.enumerated() {
      for commit in update.commits where places[commit.id]?.last != index { places[commit.id, default: []].append(index) }
    }
    self.places = places
  }

  /// Those that list a commit.
  func updates(listing commit: String) -> some Sequence<BranchUpdate> {
    (places[commit] ?? []).lazy.map { updates[$0] }
  }

  func lastUpdate(listing commit: String) -> BranchUpdate? { places[commit]?.last.map { updates[$0] } }
}
