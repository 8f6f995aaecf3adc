import PoisonGuard
import ValueStreamCore

extension ProjectionBatches {
  /// Returns how many of these deliveries the next step takes. Never mixes deliveries that are already counted with others.
  func stepWidth(_ fresh: ArraySlice<Item>) -> Int {
    var count = min(width, fresh.count)
    if let countedThrough, let isCounted = fresh.first.map({ countedThrough.contains($0.position) }) {
      count = Self.count(fresh, atMost: count) { countedThrough.contains(fresh[$0].position) == isCounted }
    }
    // The poison guard marks the deliveries of a step as a range of positions, which are those of one writer.
    if let first = fresh.first?.position.writer {
      count = Self.count(fresh, atMost: count) { fresh[$0].position.writer == first }
    }
    // Imported deliveries get steps of their own, because what they tell counts otherwise.
    if let first = fresh.first?.isImported {
      count = Self.count(fresh, atMost: count) { fresh[$0].isImported.map { $0 == first } ?? true }
    }
    // Each suspect of the poison guard gets a step of its own.
    guard poisonGuard.hasSuspects(PoisonGuard.projection) else { return count }
    let clean = Self.count(fresh, atMost: count) {
      !poisonGuard.isSuspect(PoisonGuard.projection, fresh[$0].position.rawValue)
    }
    return clean < count ? max(1, clean) : count
  }

  /// Returns how many of the first deliveries satisfy a condition on their indices. Passing the deliveries would copy them.
  private static func count(_ items: ArraySlice<Item>, atMost limit: Int, where isIncluded: (Int) -> Bool) -> Int {
    items.indices.prefix(limit).prefix(while: isIncluded).count
  }
}
