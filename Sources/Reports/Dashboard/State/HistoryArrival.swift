/// How much of what vsd was sent is not on the pages yet.
package struct HistoryArrival: Sendable, Hashable {
  /// Deliveries that are recorded but not projected.
  package var unprojectedDeliveries: UInt64
  /// True if an importer sent a delivery within the last seconds.
  package var isImporting: Bool
  /// An upper bound of the stored items that reports do not count yet: after an upgrade, or while a store is filled again.
  var uncountedItems = 0

  package init(unprojectedDeliveries: UInt64 = 0, isImporting: Bool = false) {
    self.unprojectedDeliveries = unprojectedDeliveries
    self.isImporting = isImporting
  }

  /// Fewer deliveries are on their way at any time, and their pages are as good as complete.
  private static let tolerableLag: UInt64 = 100

  /// True if so much waits that no reader would wait for it. Pages then show what is there, and say what is missing.
  var isFarBehind: Bool { unprojectedDeliveries >= 1000 }

  /// What a page says about it. Nil if nothing is missing.
  var sentence: String? {
    var parts: [String] = []
    if unprojectedDeliveries >= Self.tolerableLag {
      let count = Wording.grouped(Int64(clamping: unprojectedDeliveries))
      parts.append("\(count) deliveries behind")
    }
    if uncountedItems > 0 { parts.append("up to \(Wording.count(uncountedItems, "stored item")) not counted yet") }
    if parts.isEmpty, isImporting { parts.append("an import is running") }
    guard !parts.isEmpty else { return nil }
    return "History is arriving: \(parts.joined(separator: ", ")). Figures may still change."
  }
}
