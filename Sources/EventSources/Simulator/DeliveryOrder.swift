package import ValueStreamCore

/// Reorders and repeats deliveries, as networks and manual redeliveries do.
package struct DeliveryOrder: Sendable {
  private let seed: UInt64
  private let isShuffled: Bool
  private let duplicateShare: Double

  /// - Parameter duplicateShare: The share of deliveries that are sent twice, from 0 to 1.
  package init(seed: UInt64, isShuffled: Bool = false, duplicateShare: Double = 0) {
    self.seed = seed
    self.isShuffled = isShuffled
    self.duplicateShare = duplicateShare
  }

  /// Returns the deliveries in the order in which they are sent.
  package func applied(to deliveries: some Sequence<HistoryDelivery>) -> AnySequence<HistoryDelivery> {
    let repeated =
      duplicateShare > 0 ? AnySequence(Repeated(deliveries, share: duplicateShare, seed: seed)) : AnySequence(deliveries)
    guard isShuffled else { return repeated }
    var random = SeededRandom(seed: seed)
    return AnySequence(repeated.shuffled(using: &random))
  }

  /// Repeats a share of the deliveries, each up to 20 deliveries later.
  private struct Repeated<Base: IteratorProtocol<HistoryDelivery>>: Sequence, IteratorProtocol {
    private var base: Base
    private let share: Double
    private var random: SeededRandom
    private var waiting: [(after: Int, delivery: HistoryDelivery)] = []

    init<Deliveries: Sequence<HistoryDelivery>>(_ deliveries: Deliveries, share: Double, seed: UInt64)
    where Deliveries.Iterator == Base {
      base = deliveries.makeIterator()
      self.share = share
      random = SeededRandom(seed: seed)
    }

    mutating func next() -> HistoryDelivery? {
      if let index = waiting.firstIndex(where: { $0.after <= 0 }) { return waiting.remove(at: index).delivery }
      guard let delivery = base.next() else { return waiting.popLast()?.delivery }
      for index in waiting.indices { waiting[index].after -= 1 }
      if Double.random(in: 0..<1, using: &random) < share {
        waiting.append((Int.random(in: 0..<20, using: &random), delivery))
      }
      return delivery
    }
  }
}
