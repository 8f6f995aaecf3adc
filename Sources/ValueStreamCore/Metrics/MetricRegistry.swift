import Synchronization

/// Counters, gauges and histograms with labels, apart from any format they are shown in.
public final class MetricRegistry: Sendable {
  private let families = Mutex<[MetricFamily]>([])

  private let onFirstFold: @Sendable (MetricFamily) -> Void

  /// - Parameter onFirstFold: called once for each family, when it first counts something as `other` because there are as many sets of label
  ///   values as there may be.
  public init(onFirstFold: @escaping @Sendable (MetricFamily) -> Void = { _ in }) {
    self.onFirstFold = onFirstFold
  }

  /// A new family; each name once.
  ///
  /// - Parameters:
  ///   - labels: names of the labels; values are given in this order.
  ///   - isDurable: true for what is kept in the store and goes on after a restart.
  ///   - totals: of a gauge the values of the last label under which things are counted for good, as counters do. That label is kept past
  ///     the limit of series.
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

  /// Series of durable families that changed since the last call, encoded, by the name each is stored under.
  public func changedValues() -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    for family in all { result.merge(family.changedValues()) { _, new in new } }
    return result
  }

  /// Takes over what was stored; unknown names are left alone.
  public func restore(_ values: [String: [UInt8]]) {
    var series: [String: [(number: UInt64, bytes: [UInt8])]] = [:]
    for (name, bytes) in values {
      guard let mark = name.lastIndex(of: MetricFamily.numberMark), let number = UInt64(name[name.index(after: mark)...]) else {
        continue
      }
      series[String(name[..<mark]), default: []].append((number, bytes))
    }
    // In the order in which they appeared, which a limit of series goes by.
    for name in series.keys { series[name]?.sort { $0.number < $1.number } }
    for family in all { family.restore(values, series: series) }
  }

  /// Back to nothing, for the mock tracer's reset.
  public func reset() {
    for family in all { family.reset() }
  }

  /// What gauges tell follows from the things in the store; everything else that is counted only grows, and outlasts them.
  package static let gaugePrefix = "gauge:"
  static let totalsPrefix = "metric:"
}
