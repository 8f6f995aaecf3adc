package import ValueStreamCore

/// The metrics that the projector counts. They are kept in the store, so that counters survive restarts.
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
  private let cuts: MetricFamily
  let touched = TouchedEnds()
  /// The largest number of label sets per metric family.
  package let seriesLimit: Int

  /// Bucket bounds in milliseconds, from half an hour to a month. Dashboards of the Go ValueStream expect these bounds.
  static let classicBounds: [Double] = [
    1.8e6, 3.6e6, 1.08e7, 2.16e7, 4.32e7, 8.64e7, 2.592e8, 6.048e8, 1.21e9, 1.814e9, 2.628e9,
  ]

  /// Bucket bounds in seconds for builds, jobs and phases, from 10 seconds to 90 days.
  static let durationBounds: [Double] = [
    10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000,
  ]

  /// Bucket bounds in seconds for lead times, changes, issues and incidents, about two for each doubling. They contain all of
  /// ``durationBounds``.
  static let fineBounds: [Double] = [
    10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 450, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200, 10_800, 14_400, 21_600,
    28_800, 43_200, 64_800, 86_400, 129_600, 172_800, 259_200, 345_600, 432_000, 604_800, 864_000, 1_209_600, 1_814_400,
    2_592_000,
    3_888_000, 5_184_000, 7_776_000,
  ]

  /// - Parameter seriesLimit: The largest number of label sets per metric family. Further label sets are counted as
  ///   `other`.
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
      .histogram(bounds: Self.fineBounds), "valuestream_operation_duration_seconds", "Duration of finished operations.",
      Self.finishedLabels, formerBounds: [Self.durationBounds])
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
    cuts = registry.family(
      .counter, "valuestream_limits_exceeded_total", help: "What exceeded a limit of events, subjects or names, by source.",
      labels: ["source", "limit"], isDurable: true)
    deliveries = registry.family(
      .counter, "valuestream_deliveries_total", help: "Deliveries by source and result.",
      labels: ["source", "result"], isDurable: true)
  }

  /// Initializes the delivery counters of these sources to 0, so that alerts see the first rejected delivery.
  package func touchDeliveries(ofSources names: [String]) {
    for name in names {
      for result in DeliveryResult.allCases { deliveries.touch(labels: [name, result.rawValue]) }
      for limit in CorrelationLimit.allCases { cuts.touch(labels: [name, limit.rawValue]) }
    }
  }

  /// Creates durable metric families with a limited number of series.
  struct FamilyMaker {
    var registry: MetricRegistry
    var seriesLimit: Int

    /// - Parameter totals: Values of the last label under which a gauge only grows. See ``MetricRegistry``.
    func callAsFunction(
      _ kind: MetricFamily.Kind, _ name: String, _ help: String, _ labels: [String], totals: Set<String> = [],
      formerBounds: [[Double]] = []
    ) -> MetricFamily {
      registry.family(
        kind, name, help: help, labels: labels, isDurable: true, seriesLimit: seriesLimit, totals: totals,
        formerBounds: formerBounds)
    }
  }

  private static let finishedLabels = ["operation", "source", "project", "environment", "outcome"]

  /// An update of the metrics, applied after its whole batch was read without errors and written to the store together
  /// with it.
  package enum Count: Sendable {
    case delivery(source: String, DeliveryResult)
    case classic(ClassicPicture.Change)
    /// Spans whose end became known, which are now awaiting measurement. Their series start at 0 in the meantime.
    case ended(count: Int, AwaitedEnds)
    /// An operation that has started. Its usual outcomes are preregistered at 0.
    case begun(FinishedLabels)
    /// A share that a subject adds to a gauge, multiplied by `times`. Negative to take it away.
    case gauge(GaugeShare, times: Int)
    /// What exceeded a limit of the correlation.
    case cut(source: String, CorrelationLimit, count: Int)
  }

  package func apply(_ count: Count) {
    switch count {
    case .delivery(let source, let result): deliveries.add(labels: [source, result.rawValue])
    case .classic(.started(let span)):
      classicStarts.add(labels: [span.eventSource, span.type])
      // Start the ends of this type at 0, so that the first one shows as an increase.
      for error in ["false", "true"] { classicEnds.touch(labels: [span.eventSource, span.type, error]) }
    case .classic(.finished(let finished)):
      let labels = [finished.span.eventSource, finished.span.type, "\(finished.isError)"]
      classicEnds.add(labels: labels)
      if let duration = finished.durationMilliseconds { classicDurations.observe(duration, labels: labels) }
    case .ended(let count, let ends):
      finishedSpans.add(Double(count))
      touch(ends)
    case .begun(let labels): preregister(labels)
    case .gauge(let share, let times): apply(share, times: times)
    case .cut(let source, let limit, let count): cuts.add(Double(count), labels: [source, limit.rawValue])
    }
  }

  /// Preregisters the usual outcomes of an operation at 0, so that the first end with each outcome shows as an
  /// increase.
  func preregister(_ labels: FinishedLabels) {
    for outcome in labels.usualOutcomes {
      finished.preregister(labels: labels.ending(outcome))
      durations.preregister(labels: labels.ending(outcome))
    }
  }

  private func apply(_ share: GaugeShare, times: Int) {
    let family = share.gauge == .activeOperations ? active : conventions.family(of: share.gauge)
    // Older versions stored totals as shares as well. Ignore those.
    guard let family, !family.isTotal(share.labels) else { return }
    family.add(Double(share.count * times), labels: share.labels)
  }

  /// The label sets that are shown apart in the gauge of running operations, instead of being folded into `other`.
  var activeLabels: Set<[String]> { Set(active.shownSeries.map(\.labels)) }

  /// The number of running attempts.
  package var openSpanCount: Int { Int(active.series.reduce(0) { $0 + $1.value }) }

  /// Sets all gauges of running operations and open changes to 0, after all subjects were removed. Totals stay.
  package func forgetSubjects() {
    touched.removeAll()
    for gauge in [active] + conventions.gauges { gauge.forgetSubjects() }
  }

  /// The number of attempts that finished over the life of the store.
  package var finishedSpanCount: Int { Int(finishedSpans.value()) }

  /// Initializes the number of finished spans from the older counters, for a store of a version that did not count
  /// them.
  ///
  /// Does nothing if finished spans were counted before.
  package func adoptFinishedSpans() {
    guard finishedSpans.series.isEmpty else { return }
    finishedSpans.add(finished.series.reduce(0) { $0 + $1.value })
  }

  /// Returns the number of deliveries with a result over the life of the store.
  package func deliveryCount(_ result: DeliveryResult) -> Int {
    Int(deliveries.series.reduce(0) { $0 + ($1.labels[1] == result.rawValue ? $1.value : 0) })
  }
}
