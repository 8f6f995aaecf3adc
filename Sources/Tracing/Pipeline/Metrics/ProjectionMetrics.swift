package import ValueStreamCore

/// What the projector counts. All of it is kept in the store, so that counters survive restarts.
package struct ProjectionMetrics: Sendable {
  private let classicStarts: MetricFamily
  private let classicEnds: MetricFamily
  private let classicDurations: MetricFamily
  private let durations: MetricFamily
  private let finished: MetricFamily
  private let active: MetricFamily
  private let phases: MetricFamily
  private let conventions: ConventionMetrics
  private let changes: ChangeMetrics
  private let deploys: DeployMetrics
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
    active = family(
      .gauge, "valuestream_operations_active", "Operations that run.", ["operation", "source", "project"])
    phases = family(
      .histogram(bounds: Self.durationBounds), "valuestream_phase_duration_seconds",
      "How long finished operations were in each of their phases: queue, run, draft, review, statuses.",
      ["operation", "source", "project", "phase"])
    changes = ChangeMetrics(family)
    deploys = DeployMetrics(family)
    conventions = ConventionMetrics(family)
    deliveries = registry.family(
      .counter, "valuestream_deliveries_total", help: "Deliveries by source and what became of them.",
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
    case finished(FinishedAttempt)
    /// What may finish before long.
    case begun(FinishedLabels)
    /// What a gauge holds from now on, so many times (or, negative, no more).
    case gauge(GaugeShare, times: Int)
    case change(ChangeTimes, ofAttempt: Int, Announcement)
    case deploy(Span, leadTimes: [[Attribute]], Announcement)
  }

  /// True for things of which something is counted only once they have settled: also for builds as long as nobody has said that they are
  /// no deploy.
  static func settles(_ subject: Subject) -> Bool {
    switch subject.statedOperation {
    case .pullRequest, .deploy: true
    case nil: subject.operation == nil || subject.operation == .build
    default: false
    }
  }

  /// What is to be counted of an attempt that has settled; nil for nothing, and for what is no more.
  static func count(ofSettled announcement: Announcement, _ reader: inout TraceReader) throws -> Count? {
    let (key, attempt) = (announcement.key, announcement.attempt)
    if let deploy = try reader.deploy(ofAttempt: attempt, of: key) {
      return .deploy(deploy.span, leadTimes: deploy.leadTimes, announcement)
    }
    guard let change = try reader.subject(for: key), change.operation == .pullRequest else { return nil }
    return ChangeTimes(change.spans()).map { .change($0, ofAttempt: attempt, announcement) }
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
    case .finished(let attempt): apply(attempt)
    case .begun(let labels): foresee(labels)
    case .gauge(let share, let times): apply(share, times: times)
    case .change(let times, let attempt, let announcement): changes.count(times, ofAttempt: attempt, announcement)
    case .deploy(let span, let leadTimes, let announcement): deploys.count(span, leadTimes: leadTimes, announcement)
    }
  }

  private func apply(_ attempt: FinishedAttempt) {
    let thing = attempt.labels.thing
    let labels = attempt.labels.ending(attempt.outline.outcome)
    foresee(attempt.labels)
    finished.add(labels: labels)
    // What runs of this kind begins at zero, also where nothing of it was seen running.
    active.touch(labels: thing)
    if let duration = attempt.durationSeconds { durations.observe(duration, labels: labels, of: attempt.announcement) }
    for (phase, seconds) in attempt.phaseSeconds { phases.observe(seconds, labels: thing + [phase], of: attempt.announcement) }
    conventions.count(attempt)
  }

  /// Ends of this kind begin at zero, or the first of each outcome would not show as an increase.
  private func foresee(_ labels: FinishedLabels) {
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
  package var finishedSpanCount: Int { Int(finished.series.reduce(0) { $0 + $1.value }) }

  /// Deliveries over the life of the store.
  package func deliveryCount(_ result: DeliveryResult) -> Int {
    Int(deliveries.series.reduce(0) { $0 + ($1.labels[1] == result.rawValue ? $1.value : 0) })
  }
}
