import Synchronization

/// All metric families: counters, gauges and histograms with labels, independent of any output format.
public final class MetricRegistry: Sendable {
  private let families = Mutex<[MetricFamily]>([])

  private let onFirstFold: @Sendable (MetricFamily) -> Void
  private let budget: ExpositionBudget

  /// - Parameters:
  ///   - textBytes: the size of all families with a limit of series in a text format. Series that come later are shown as
  ///     `other`, but counted and stored one by one.
  ///   - onFirstFold: called once for each family, when it first counts or shows a series under `other`.
  public init(textBytes: Int = .max, onFirstFold: @escaping @Sendable (MetricFamily) -> Void = { _ in }) {
    budget = ExpositionBudget(bytes: textBytes)
    self.onFirstFold = onFirstFold
  }

  /// Registers a new family. Each name must be unique.
  ///
  /// - Parameters:
  ///   - labels: names of the labels. Label values are given in this order.
  ///   - isDurable: true if the store keeps the values over a restart.
  ///   - totals: for a gauge, the values of the last label that mark ever-growing totals. Beyond the limit of series,
  ///     this label is kept.
  ///   - formerBounds: for a histogram, the bounds of earlier versions, each with another number of bounds, so that stored
  ///     values are read. The bounds of today must contain them.
  public func family(
    _ kind: MetricFamily.Kind, _ name: String, help: String, labels: [String] = [], isDurable: Bool = false,
    seriesLimit: Int = .max, totals: Set<String> = [], formerBounds: [[Double]] = []
  ) -> MetricFamily {
    let family = MetricFamily(
      kind: kind, name: name, help: help, labels: labels, isDurable: isDurable, seriesLimit: seriesLimit, totals: totals,
      formerBounds: formerBounds, budget: budget, onFirstFold: onFirstFold)
    families.withLock { $0.append(family) }
    return family
  }

  /// All families in order of registration.
  public var all: [MetricFamily] { families.withLock { $0 } }

  /// Returns the encoded series of durable families that changed since the last call, by storage key.
  public func changedValues() -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    for family in all { result.merge(family.changedValues()) { _, new in new } }
    return result
  }

  /// Restores stored values. Ignores unknown names.
  public func restore(_ values: [String: [UInt8]]) {
    var series: [String: [(number: UInt64, bytes: [UInt8])]] = [:]
    for (name, bytes) in values {
      guard let mark = name.lastIndex(of: MetricFamily.numberMark), let number = UInt64(name[name.index(after: mark)...]) else {
        continue
      }
      series[String(name[..<mark]), default: []].append((number, bytes))
    }
    let families = all
    for family in families { family.restoreShownLimit(values) }
    // Restores series in the order in which they were created, because the limit of series depends on it. If the size of text
    // formats does not suffice for all, each family gets about the same number.
    let stored = families.map { $0.storedSeries(series) }
    for index in 0..<(stored.map(\.count).max() ?? 0) {
      for (family, series) in zip(families, stored) where index < series.count { family.restore(series[index]) }
    }
    for family in families { family.restoreOutdated(values) }
    for family in families { family.tellHidden() }
  }

  /// Removes all series, for the reset of the mock tracer.
  public func reset() {
    for family in all { family.reset() }
  }

  /// Storage key prefix of gauges that are computed from the stored subjects. All other values only grow and outlast
  /// the subjects.
  package static let gaugePrefix = "gauge:"
  static let totalsPrefix = "metric:"
  /// Storage key prefix of how many series of a family text formats show.
  static let shownPrefix = "shown:"
}
