package import ValueStreamCore

/// What the projector counts. All of it is kept in the store, so that counters survive restarts.
package struct ProjectionMetrics: Sendable {
  private let classicStarts: MetricFamily
  private let classicEnds: MetricFamily
  private let classicDurations: MetricFamily
  let durations: MetricFamily
  let finished: MetricFamily
  let corrected: MetricFamily
  private let finishedSpans: MetricFamily
  let active: MetricFamily
  let phases: MetricFamily
  let conventions: ConventionMetrics
  let changes: ChangeMetrics
  let deploys: DeployMetrics
  package let deliveries: MetricFamily
  /// Sets of label values per family.
  let seriesLimit: Int

  /// Milliseconds; the bounds that dashboards of the Go ValueStream know: half an hour to a month.
  static let classicBounds: [Double] = [
    1.8e6, 3.6e6, 1.08e7, 2.16e7, 4.32e7, 8.64e7, 2.592e8, 6.048e8, 1.21e9, 1.814e9, 2.628e9,
  ]

  /// Seconds, from a quick build to a long-lived issue: 10 s to 90 days.
  static let durationBounds: [Double] = [
    10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000,
  ]

  /// - Parameter seriesLimit: sets of label values per family, past which the rest is counted as `other`.
  package init(registry: MetricRegistry, seriesLimit: Int) {
    self.seriesLimit = seriesLimit
    let family = FamilyMaker(registry: registry, seriesLimit: seriesLimit)
    classicStarts = family(
      .counter, "webhooks_event_start_total", "Classic spans started, by source and type.", ["event_source", "event_type"])
    classicEnds = family(
      .counter, "webhooks_event_end_total", "Classic spans ended, by source, type and whether with an error.",
      ["event_source", "event_type", "error"])
    classicDurations = family(
      .histogram(bounds: Self.classicBounds), "webhooks_event_duration", "Duration of classic spans in milliseconds.",
      ["event_source", "event_type", "error"])
    durations = family(
      .histogram(bounds: Self.durationBounds), "valuestream_operation_duration_seconds", "Duration of finished operations.",
      Self.finishedLabels)
    finished = family(
      .counter, "valuestream_operations_finished_total", "Operations that finished.", Self.finishedLabels)
    corrected = family(
      .counter, "valuestream_operations_corrected_total",
      "Operations counted with one outcome that turned out to have another.",
      ["operation", "source", "project", "environment", "from", "to"])
    finishedSpans = family(
      .counter, "valuestream_spans_finished_total", "Spans whose end became known, counted at once.", [])
    active = family(
      .gauge, "valuestream_operations_active", "Operations that run.", ["operation", "source", "project"])
    phases = family(
      .histogram(bounds: Self.durationBounds), "valuestream_phase_duration_seconds",
      "Time that finished operations spent in each phase: queue, run, draft, review, statuses.",
      ["operation", "source", "project", "phase"])
    changes = ChangeMetrics(family)
    deploys = DeployMetrics(family)
    conventions = ConventionMetrics(family)
    deliveries = registry.family(
      .counter, "valuestream_deliveries_total", help: "Deliveries by source and result.",
      labels: ["source", "result"], isDurable: true)
  }

  /// Makes counts of deliveries of these sources begin at zero, or an alarm would not see the first that is refused.
  package func touchDeliveries(ofSources names: [String]) {
    for name in names {
      for result in DeliveryResult.allCases { deliveries.touch(labels: [name, result.rawValue]) }
    }
  }

  /// Makes durable families with a bounded number of series.
  struct FamilyMaker {
    var registry: MetricRegistry
    var seriesLimit: Int

    /// - Parameter totals: see ``MetricRegistry``.
    func callAsFunction(
      _ kind: MetricFamily.Kind, _ name: String, _ help: String, _ labels: [String], totals: Set<String> = []
    ) -> MetricFamily {
      registry.family(kind, name, help: help, labels: labels, isDurable: true, seriesLimit: seriesLimit, totals: totals)
    }
  }

  private static let finishedLabels = ["operation", "source", "project", "environment", "outcome"]

  /// Something to be counted once the batch it belongs to is certain.
  package enum Count: Sendable {
    case delivery(source: String, DeliveryResult)
    case classic(ClassicPicture.Change)
    /// Spans whose end became known, so many of them, which await being counted; series of these ends begin at 0.
    case ended(count: Int, AwaitedEnds)
    /// What may finish before long.
    case begun(FinishedLabels)
    /// What a gauge holds from now on, so many times (or, negative, no more).
    case gauge(GaugeShare, times: Int)
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
    case .ended(let count, let ends):
      finishedSpans.add(Double(count))
      touch(ends)
    case .begun(let labels): foresee(labels)
    case .gauge(let share, let times): apply(share, times: times)
    }
  }

  /// Ends of this kind begin at zero, or the first of each outcome would not show as an increase.
  func foresee(_ labels: FinishedLabels) {
    for outcome in labels.usualOutcomes {
      finished.foresee(labels: labels.ending(outcome))
      durations.foresee(labels: labels.ending(outcome))
    }
  }

  private func apply(_ share: GaugeShare, times: Int) {
    let family = share.gauge == .activeOperations ? active : conventions.family(of: share.gauge)
    // Shares once told totals as well.
    guard let family, !family.isTotal(share.labels) else { return }
    family.add(Double(share.count * times), labels: share.labels)
  }

  /// Of what is going on, or was, the sets of label values that are counted apart from `other`.
  var activeLabels: Set<[String]> { Set(active.series.map(\.labels)) }

  /// Running attempts at present.
  package var openSpanCount: Int { Int(active.series.reduce(0) { $0 + $1.value }) }

  /// Nothing is there any more, because everything was forgotten.
  package func forgetThings() {
    for gauge in [active] + conventions.gauges { gauge.forgetThings() }
  }

  /// Attempts that finished over the life of the store.
  package var finishedSpanCount: Int { Int(finishedSpans.value()) }

  /// Goes on from what an older version counted, which had no number of finished spans.
  func adoptFinishedSpans() {
    guard finishedSpans.series.isEmpty else { return }
    finishedSpans.add(finished.series.reduce(0) { $0 + $1.value })
  }

  /// Deliveries over the life of the store.
  package func deliveryCount(_ result: DeliveryResult) -> Int {
    Int(deliveries.series.reduce(0) { $0 + ($1.labels[1] == result.rawValue ? $1.value : 0) })
  }
}
