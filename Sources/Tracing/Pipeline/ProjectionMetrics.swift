package import ValueStreamCore

/// What the projector counts. All of it is kept in the store, so that counters survive restarts.
package struct ProjectionMetrics: Sendable {
  private let classicStarts: MetricFamily
  private let classicEnds: MetricFamily
  private let classicDurations: MetricFamily
  private let durations: MetricFamily
  private let finished: MetricFamily
  private let active: MetricFamily
  package let deliveries: MetricFamily

  /// Milliseconds; the bounds that dashboards of the Go ValueStream know: half an hour to a month.
  static let classicBounds: [Double] = [
    1.8e6, 3.6e6, 1.08e7, 2.16e7, 4.32e7, 8.64e7, 2.592e8, 6.048e8, 1.21e9, 1.814e9, 2.628e9,
  ]

  /// Seconds, from a quick build to a long-lived issue: 10 s to 90 days.
  static let operationBounds: [Double] = [
    10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000,
  ]

  /// - Parameter seriesLimit: sets of label values per family, past which the rest is counted as `other`.
  package init(registry: MetricRegistry, seriesLimit: Int) {
    classicStarts = registry.family(
      .counter, "webhooks_event_start_total", help: "Classic spans started, by source and type.",
      labels: ["event_source", "event_type"], isDurable: true, seriesLimit: seriesLimit)
    classicEnds = registry.family(
      .counter, "webhooks_event_end_total", help: "Classic spans ended, by source, type and whether with an error.",
      labels: ["event_source", "event_type", "error"], isDurable: true, seriesLimit: seriesLimit)
    classicDurations = registry.family(
      .histogram(bounds: Self.classicBounds), "webhooks_event_duration", help: "Duration of classic spans in milliseconds.",
      labels: ["event_source", "event_type", "error"], isDurable: true, seriesLimit: seriesLimit)
    durations = registry.family(
      .histogram(bounds: Self.operationBounds), "valuestream_operation_duration_seconds",
      help: "Duration of finished operations.", labels: Self.finishedLabels, isDurable: true, seriesLimit: seriesLimit)
    finished = registry.family(
      .counter, "valuestream_operations_finished_total", help: "Operations that finished.", labels: Self.finishedLabels,
      isDurable: true, seriesLimit: seriesLimit)
    active = registry.family(
      .gauge, "valuestream_operations_active", help: "Operations that run.", labels: ["operation", "source", "project"],
      isDurable: true, seriesLimit: seriesLimit)
    deliveries = registry.family(
      .counter, "valuestream_deliveries_total", help: "Deliveries by source and what became of them.",
      labels: ["source", "result"], isDurable: true)
  }

  private static let finishedLabels = ["operation", "source", "project", "environment", "outcome"]

  /// The values of ``finishedLabels`` for attempts of a thing.
  static func counts(of attempts: [AttemptOutline], of subject: Subject) -> [Count] {
    guard let operation = subject.operation else { return [] }
    let environments = subject.attribute("deployment.environment.name", ofAttempts: attempts.map(\.number))
    return attempts.map { attempt in
      let environment = if case .string(let name) = environments[attempt.number] { name } else { "" }
      return .finished(
        attempt,
        labels: [
          operation.rawValue, subject.key.source, subject.project ?? "", environment, attempt.outcome?.rawValue ?? "",
        ])
    }
  }

  /// Something to be counted once the batch it belongs to is certain.
  package enum Count: Sendable {
    case delivery(source: String, DeliveryResult)
    case classic(ClassicPicture.Change)
    case finished(AttemptOutline, labels: [String])
    /// Running attempts that are counted from now on (or, negative, no more).
    case active(ActiveSpans, sign: Int)
  }

  func apply(_ count: Count) {
    switch count {
    case .delivery(let source, let result): deliveries.add(labels: [source, result.rawValue])
    case .classic(.started(let span)):
      classicStarts.add(labels: [span.eventSource, span.type])
      // Ends of this kind begin at zero, or the first would not show as an increase.
      for error in ["false", "true"] { classicEnds.touch(labels: [span.eventSource, span.type, error]) }
    case .classic(.finished(let finished)):
      let labels = [finished.span.eventSource, finished.span.type, "\(finished.isError)"]
      classicEnds.add(labels: labels)
      if let duration = finished.durationMilliseconds { classicDurations.observe(duration, labels: labels) }
    case .finished(let attempt, let labels):
      finished.add(labels: labels)
      // What runs of this kind begins at zero, also where nothing of it was seen running.
      active.touch(labels: Array(labels.prefix(3)))
      if let end = attempt.end, !attempt.isStartUnknown, !attempt.isEndUnknown {
        durations.observe(max(0, end.seconds(since: attempt.start)), labels: labels)
      }
    case .active(let spans, let sign):
      active.add(Double(spans.count * sign), labels: [spans.operation, spans.source, spans.project])
    }
  }

  /// Running attempts at present.
  package var openSpanCount: Int { Int(active.series.reduce(0) { $0 + $1.value }) }

  /// Nothing runs any more, because everything was forgotten.
  package func forgetActive() {
    for series in active.series { active.set(0, labels: series.labels) }
  }

  /// Attempts that finished over the life of the store.
  package var finishedSpanCount: Int { Int(finished.series.reduce(0) { $0 + $1.value }) }

  /// Deliveries over the life of the store.
  package func deliveryCount(_ result: DeliveryResult) -> Int {
    Int(deliveries.series.reduce(0) { $0 + ($1.labels[1] == result.rawValue ? $1.value : 0) })
  }
}
