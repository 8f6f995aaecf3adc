/// The amount that a subject adds to a gauge while its facts stay the same.
///
/// It is stored with the subject, so that exactly this amount is subtracted when the subject changes.
public struct GaugeShare: Sendable, Hashable {
  public enum Gauge: UInt8, Sendable, Hashable {
    /// Running attempts.
    case activeOperations = 1
    /// Running pipeline runs.
    case activePipelineRuns = 2
    /// Open changes, by state.
    case changes = 3
  }

  public var gauge: Gauge
  /// Label values, in the order of the gauge's label names.
  public var labels: [String]
  public var count: Int

  public init(_ gauge: Gauge, labels: [String], count: Int) {
    self.gauge = gauge
    self.labels = labels
    self.count = count
  }
}
