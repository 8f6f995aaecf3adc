import ValueStreamCore

/// Finds a deploy and its release by subject and attempt.
///
/// A sorted list: stores visit deploys and what they brought in the same order, so that one look-up usually begins where
/// the last one ended. A hash table of a hundred thousand deploys is slower, because each look-up waits for memory.
struct DeployMap: Sendable {
  /// Sorted by id, then by attempt.
  private var entries: [Entry] = []

  struct Entry: Sendable {
    var id: UInt64
    var attempt: UInt16
    var deploy: Int32
    var release: Int32
    /// The end of the release, and the start of the deploy that ended it, -1 if unknown. Here because reading them from the
    /// release would wait for memory.
    var released: Timestamp
    var deployStarted: Int64

    fileprivate func isBefore(_ id: UInt64, _ attempt: UInt16) -> Bool {
      self.id != id ? self.id < id : self.attempt < attempt
    }
  }

  init() {}

  /// - Parameter entries: of two entries for the same attempt, the first counts.
  init(_ entries: [Entry]) {
    self.entries = entries
    guard zip(entries, entries.dropFirst()).contains(where: { $1.isBefore($0.id, $0.attempt) }) else { return }
    // Keeps the order of equal entries.
    self.entries.sort { $0.isBefore($1.id, $1.attempt) }
  }

  subscript(id: FactID, attempt: UInt16) -> Entry? {
    var place = 0
    return find(id, attempt, near: &place)
  }

  /// - Parameter place: where the search begins, at first 0. Becomes the place of the found deploy or of the next one.
  func find(_ id: FactID, _ attempt: UInt16, near place: inout Int) -> Entry? {
    let id = id.rawValue
    var (low, high) = (0, place)
    if place < entries.count, entries[place].isBefore(id, attempt) {
      // Doubles the step until it has passed the deploy.
      low = place + 1
      high = low
      var step = 1
      while high < entries.count, entries[high].isBefore(id, attempt) {
        low = high + 1
        high += step
        step *= 2
      }
      high = min(high, entries.count)
    }
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].isBefore(id, attempt) { low = middle + 1 } else { high = middle }
    }
    place = low
    return low < entries.count && entries[low].id == id && entries[low].attempt == attempt ? entries[low] : nil
  }
}
