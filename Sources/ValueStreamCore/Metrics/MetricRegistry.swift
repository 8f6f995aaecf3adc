import Synchronization

/// All metric families: counters, gauges and histograms with labels, independent of any output format.
public final class MetricRegistry: Sendable {
  private let families = Mutex<[MetricFamily]>([])

  private let onFirstFold: @Sendable (MetricFamily) -> Void

  /// - Parameter onFirstFold: called once for each family, when it first counts under `other` because it has reached
  ///   its limit of series.
  public init(onFirstFold: @escaping @Sendable (MetricFamily) -> Void = { _ in }) {
    self.onFirstFold = onFirstFold
  }

  /// Registers a new family. Each name must be unique.
  ///
  /// - Parameters:
  ///   - labels: names of the labels. Label values are given in this order.
  ///   - isDurable: true if the store keeps the values over a restart.
  ///   - totals: for a gauge, the values of the last label that mark ever-growing totals. Beyond the limit of series,
  ///     this label is kept.
  public func family(
    _ kind: MetricFamily.Kind, _ name: String, help: String, labels: [String] = [], isDurable: Bool = false,
    seriesLimit: Int = .max, totals: Set<String> = []
  ) -> MetricFamily {
    let family = MetricFamily(
      kind: kind, name: name, help: help, labels: labels, isDurable: isDurable, seriesLimit: seriesLimit, totals: totals,
      onFirstFold: onFirstFold)
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
    // Restores series in the order in which they were created, because the limit of series depends on it.
    for name in series.keys { series[name]?.sort { $0.number < $1.number } }
    for family in all { family.restore(values, series: series) }
  }

  /// Removes all series, for the reset of the mock tracer.
  public func reset() {
    for family in all { family.reset() }
  }

  /// Storage key prefix of gauges that are computed from the stored subjects. All other values only grow and outlast
  /// the subjects.
  package static let gaugePrefix = "gauge:"
  static let totalsPrefix = "metric:"
}
