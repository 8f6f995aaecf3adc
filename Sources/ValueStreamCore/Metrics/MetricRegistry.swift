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
  public func family(
    _ kind: MetricFamily.Kind, _ name: String, help: String, labels: [String] = [], isDurable: Bool = false,
    seriesLimit: Int = .max
  ) -> MetricFamily {
    let family = MetricFamily(
      kind: kind, name: name, help: help, labels: labels, isDurable: isDurable, seriesLimit: seriesLimit)
    families.withLock { $0.append(family) }
    return family
  }

  /// All families in order of registration.
  public var all: [MetricFamily] { families.withLock { $0 } }

  /// Durable families that changed since the last call, encoded, by the name they are stored under.
  public func changedValues() -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    for family in all {
      if let bytes = family.encodedIfChanged() { result[Self.storedName(of: family)] = bytes }
    }
    return result
  }

  /// Takes over what was stored; unknown names are left alone.
  public func restore(_ values: [String: [UInt8]]) {
    for family in all {
      // Gauges stood among the others once.
      if let bytes = values[Self.storedName(of: family)] ?? values["metric:\(family.name)"] { family.restore(bytes) }
    }
  }

  /// Back to nothing, for the mock tracer's reset.
  public func reset() {
    for family in all { family.reset() }
  }

  /// What gauges tell follows from the things in the store; everything else that is counted only grows, and outlasts them.
  package static let gaugePrefix = "gauge:"

  private static func storedName(of family: MetricFamily) -> String {
    family.kind == .gauge ? gaugePrefix + family.name : "metric:\(family.name)"
  }
}
