/// What a thing adds to a gauge for as long as what is known of it stays the same.
///
/// It is kept with the thing, so that exactly this is taken away again when the thing changes.
public struct GaugeShare: Sendable, Hashable {
  public enum Gauge: UInt8, Sendable, Hashable {
    /// Attempts that run.
    case activeOperations = 1
    /// Pipeline runs that go on.
    case activePipelineRuns = 2
    /// Changes that are not over, by their state.
    case changes = 3
  }

  public var gauge: Gauge
  /// Values, in the order in which the gauge names its labels.
  public var labels: [String]
  public var count: Int

  public init(_ gauge: Gauge, labels: [String], count: Int) {
    self.gauge = gauge
    self.labels = labels
    self.count = count
  }
}
