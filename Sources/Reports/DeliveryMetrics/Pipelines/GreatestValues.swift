/// Tells which values are among the greatest so far.
struct GreatestValues {
  private let limit: Int
  /// In ascending order.
  private var kept: [Double] = []

  init(_ limit: Int) {
    self.limit = limit
  }

  /// True if no more than a limited number of earlier values are greater.
  mutating func admit(_ value: Double) -> Bool {
    if kept.count >= limit {
      guard let least = kept.first, value > least else { return kept.first == value }
      kept.removeFirst()
    }
    let place = kept.firstIndex { $0 > value } ?? kept.count
    kept.insert(value, at: place)
    return true
  }
}
