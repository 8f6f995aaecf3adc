import ValueStreamCore

/// Chooses every second element at random: what a receiver that was away half of the time has.
package struct Half {
  private let seed: UInt64

  package init(seed: UInt64) {
    self.seed = seed
  }

  package func of<Element>(_ elements: [Element]) -> [Element] {
    var random = SeededRandom(seed: seed)
    return elements.filter { _ in random.oneIn(2) }
  }
}
