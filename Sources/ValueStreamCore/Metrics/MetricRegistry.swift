import Synchronization

/// Counters, gauges and histograms with labels, apart from any format they are shown in.
public final class MetricRegistry: Sendable {
  private let families = Mutex<[MetricFamily]>([])

  public init() {}

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
      kind: kind, name: name, help: help, labels: labels, isDurable: isDurable, seriesLimit: seriesLimit, totals: totals)
    families.withLock { $0.append(family) }
    return family
  }

  /// All families in order of registration.
  public var all: [MetricFamily] { families.withLock { $0 } }

  /// Durable families that changed since the last call, encoded, by the name they are stored under.
  public func changedValues() -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    for family in all { result.merge(family.changedValues()) { _, new in new } }
    return result
  }

  /// Takes over what was stored; unknown names are left alone.
  public func restore(_ values: [String: [UInt8]]) {
    for family in all { family.restore(values) }
  }

  /// Back to nothing, for the mock tracer's reset.
  public func reset() {
    for family in all { family.reset() }
  }

  /// What gauges tell follows from the things in the store; everything else that is counted only grows, and outlasts them.
  package static let gaugePrefix = "gauge:"
  static let totalsPrefix = "metric:"
}
