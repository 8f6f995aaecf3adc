import DeliveryMetrics

extension ReportField {
  /// The fields of a summary of durations.
  static func durations(of path: @escaping @Sendable (Value) -> DurationSummary, prefix: String = "") -> [ReportField] {
    [
      .number("\(prefix)median_seconds", "The median: the midpoint of the two middle values.", isCompared: true) {
        path($0).median
      },
      .number("\(prefix)p75_seconds", "The 75th percentile, by nearest rank.", isCompared: true) { path($0).p75 },
      .number("\(prefix)p85_seconds", "The 85th percentile.", isCompared: true) { path($0).p85 },
      .number("\(prefix)p95_seconds", "The 95th percentile.", isCompared: true) { path($0).p95 },
    ]
  }
}

extension MetricShape where Value == DurationSummary {
  /// A metric that is nothing but a summary of durations.
  static func durations(_ name: String, _ help: String) -> MetricShape {
    MetricShape(name, help, fields: ReportField.durations(of: { $0 })) { $0.population }
  }
}
