/// Caches the branch updates of a store, so that each query reads them once. Not safe for concurrent use.
final class BranchUpdates {
  private let store: any SpanReading
  private var histories: [BranchQuery: BranchHistory] = [:]
  private var updatesTo: [String: [BranchUpdate]] = [:]
  /// The approximate bytes of all cached updates. See ``BranchUpdate/weight``.
  private var weight = 0

  /// The maximum ``weight``. Beyond it, the whole cache is cleared. In memory, updates take about three times as much.
  private static let weightLimit = 16 << 20
  /// The most bytes that are read of one branch.
  private static let historyBytes = weightLimit / 4

  private struct BranchQuery: Hashable {
    var branch: SubjectKey
    var limit: Int
  }

  init(_ store: any SpanReading) {
    self.store = store
  }

  /// Returns the newest `limit` updates of a branch, fewer if they are large.
  func history(of branch: SubjectKey, limit: Int) throws -> BranchHistory {
    let query = BranchQuery(branch: branch, limit: limit)
    if let known = histories[query] { return known }
    let history = BranchHistory(try store.branchUpdates(of: branch, limit: limit, bytes: Self.historyBytes))
    makeRoom(for: history.updates)
    histories[query] = history
    return history
  }

  /// Returns the updates of any branch that moved it to a commit, oldest first.
  ///
  /// The newest are missing beyond ``TraceReader/branchMoveLimit``.
  func updates(to commit: String) throws -> [BranchUpdate] {
    if let known = updatesTo[commit] { return known }
    let updates = try store.branchUpdates(to: commit, limit: TraceReader.branchMoveLimit, bytes: Self.historyBytes)
    makeRoom(for: updates)
    updatesTo[commit] = updates
    return updates
  }

  private func makeRoom(for updates: [BranchUpdate]) {
    let added = updates.reduce(64) { $0 + $1.weight }
    if weight + added > Self.weightLimit { (histories, updatesTo, weight) = ([:], [:], 0) }
    weight += added
  }
}

/// The updates of one branch, oldest first.
struct BranchHistory {
  let updates: [BranchUpdate]
  /// For each commit, the indices of the updates that list it, in ascending order.
  private let places: [String: [Int]]

  init(_ updates: [BranchUpdate]) {
    self.updates = updates
    var places: [String: [Int]] = [:]
    for (index, update) in updates.enumerated() {
      for commit in update.commits where places[commit.id]?.last != index { places[commit.id, default: []].append(index) }
    }
    self.places = places
  }

  /// Returns the updates that list a commit, oldest first.
  func updates(listing commit: String) -> some Sequence<BranchUpdate> {
    (places[commit] ?? []).lazy.map { updates[$0] }
  }

  func lastUpdate(listing commit: String) -> BranchUpdate? { places[commit]?.last.map { updates[$0] } }
}
