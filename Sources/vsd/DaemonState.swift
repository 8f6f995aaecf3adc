import Dashboard
import DeliveryCounters
import Export
import Intake
import Projection
import QueryAPI
import ValueStreamCore

/// The state of the daemon: readiness, warnings, gauges and statistics.
struct DaemonState: Sendable {
  private let log: any DeliveryLog
  private let store: any SpanStore
  private let recorder: DeliveryRecorder
  private let projector: Projector
  private let facts: FactWorker
  private let runners: [ExportRunner]
  private let metrics: ProjectionMetrics
  private let isImmediate: Bool
  private let clock: any WallClock
  private let damage: DamageReport
  private let setAside: SetAsideDeliveries
  private let ready: MetricFamily
  private let stalled: MetricFamily
  private let damaged: MetricFamily

  private let waiting: MetricFamily
  private let lag: MetricFamily
  private let bytes: MetricFamily
  private let exportPending: MetricFamily
  private let exportLag: MetricFamily
  private let exported: MetricFamily
  private let lostLines: MetricFamily
  private let folded: MetricFamily
  private let cut: MetricFamily
  private let registry: MetricRegistry
  private let ages: AgeGauges
  private let branches: BranchGauges?

  /// The seconds that deliveries may wait without any being projected before there is a warning.
  private static let tolerableStallSeconds = 5.0

  /// The number of unprojected deliveries above which the daemon is not ready.
  private static let tolerableLag: UInt64 = 100_000

  init(
    log: any DeliveryLog, store: any SpanStore, recorder: DeliveryRecorder, projector: Projector, facts: FactWorker,
    runners: [ExportRunner],
    metrics: ProjectionMetrics, registry: MetricRegistry, clock: any WallClock,
    hasBranchMetrics: Bool, isImmediate: Bool, damage: DamageReport, setAside: SetAsideDeliveries
  ) {
    self.damage = damage
    self.setAside = setAside
    self.log = log
    self.store = store
    self.recorder = recorder
    self.projector = projector
    self.facts = facts
    self.runners = runners
    self.metrics = metrics
    self.isImmediate = isImmediate
    self.clock = clock
    self.registry = registry
    folded = registry.family(
      .counter, "valuestream_metric_folded_total",
      help: "How often something was counted as other since the start, because the metric has reached its limit of series.",
      labels: ["metric"])
    cut = registry.family(
      .counter, "valuestream_metric_labels_cut_total",
      help: "How often a label value was cut since the start, because it was too long.",
      labels: ["metric"])
    ready = registry.family(.gauge, "valuestream_ready", help: "1 while deliveries are taken, as /readyz says; 0 otherwise.")
    waiting = registry.family(.gauge, "valuestream_log_waiting_deliveries", help: "Deliveries that wait to be made durable.")
    lag = registry.family(
      .gauge, "valuestream_projection_lag_deliveries", help: "Recorded deliveries that are not projected into spans yet.")
    stalled = registry.family(
      .gauge, "valuestream_projection_stalled_seconds",
      help: "How long recorded deliveries have waited while none was projected; 0 when none wait.")
    damaged = registry.family(
      .gauge, "valuestream_damaged_records", help: "Damaged records found in log and store since the start, by part.",
      labels: ["part"])
    bytes = registry.family(.gauge, "valuestream_store_bytes", help: "Bytes on disk, by part.", labels: ["part"])
    exportPending = registry.family(
      .gauge, "valuestream_export_pending_spans", help: "Finished spans that wait for an exporter.", labels: ["exporter"])
    exportLag = registry.family(
      .gauge, "valuestream_export_lag_seconds", help: "Time since the end of the oldest span that waits for an exporter.",
      labels: ["exporter"])
    exported = registry.family(
      .gauge, "valuestream_export_spans", help: "Spans exported over the life of the store, by result.",
      labels: ["exporter", "result"])
    lostLines = registry.family(
      .counter, "valuestream_log_lines_lost_total", help: "Log lines that were lost because standard output was not read.")
    ages = AgeGauges(registry: registry, store: store, clock: clock, metrics: metrics)
    branches = hasBranchMetrics ? BranchGauges(registry: registry, store: store, clock: clock) : nil
    registry.family(.gauge, "valuestream_build_info", help: "Always 1. The label is the version.", labels: ["version"])
      .set(1, labels: [ValueStreamVersion.current])
  }

  /// The reason why the log or store cannot be written; nil if both can. Reopens for writing what was opened for reading.
  var writeObstacle: String? {
    do {
      try log.prepareToWrite()
      try store.prepareToWrite()
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// The reason why the daemon is not ready for deliveries; nil if it is.
  var unreadiness: String? {
    if let obstacle = writeObstacle { return "nothing can be written: \(obstacle)" }
    let behind = projectionLag
    return behind > Self.tolerableLag ? "\(behind) deliveries are recorded but not projected yet" : nil
  }

  /// Messages for the operator about problems that put no delivery at risk.
  var warnings: [String] {
    var warnings: [String] = []
    if let stall = projector.stall, stall.seconds > Self.tolerableStallSeconds {
      let reason = stall.failure.map { ": \($0)" } ?? ""
      warnings.append("\(projectionLag) deliveries wait, and none was projected for \(Int(min(stall.seconds, 1e9))) s\(reason)")
    }
    let counts = damage.counts
    if !counts.isEmpty {
      let parts = StoreDamage.Part.allCases.compactMap { part in counts[part].map { "\($0) of part \(part.rawValue)" } }
      warnings.append("damaged records are passed over (\(parts.joined(separator: ", "))); vsd check lists them")
    }
    let count = setAside.count
    if count > 0 { warnings.append("\(count) deliveries are set aside; /api/v1/deliveries?result=unreadable tells why") }
    return warnings
  }

  private var projectionLag: UInt64 {
    guard !isImmediate, let last = try? log.coverage() else { return 0 }
    return last.count(beyond: projector.projected)
  }

  /// Updates the gauges before a scrape.
  func refreshGauges() {
    // Ends that cannot be counted now are counted with the next deliveries.
    try? projector.countEnds()
    try? ages.refresh()
    try? branches?.refresh()
    facts.refreshGauges()
    ready.set(unreadiness == nil ? 1 : 0)
    lostLines.set(Double(StandardOutput.lostCount))
    let families = registry.all.filter(\.isLimited)
    folded.replaceSeries(families.map { ([$0.name], Double($0.foldedCount)) })
    cut.replaceSeries(families.map { ([$0.name], Double($0.cutCount)) })
    waiting.set(Double(recorder.waitingCount))
    lag.set(Double(projectionLag))
    stalled.set(projector.stall?.seconds ?? 0)
    for part in StoreDamage.Part.allCases { damaged.set(Double(damage.counts[part] ?? 0), labels: [part.rawValue]) }
    if let size = try? log.size() { bytes.set(Double(size), labels: ["log"]) }
    if let size = try? store.size() { bytes.set(Double(size), labels: ["spans"]) }
    for runner in runners {
      let progress = runner.currentProgress
      if let pending = try? store.outboxEntryCount(after: progress.sequence) {
        exportPending.set(Double(pending), labels: [runner.exporterName])
      }
      if let oldest = try? store.outboxEntries(after: progress.sequence, limit: 1) {
        let seconds = oldest.first.map { clock.now().seconds(since: $0.outboxEntry.time) } ?? 0
        exportLag.set(max(0, seconds), labels: [runner.exporterName])
      }
      exported.set(Double(progress.sent), labels: [runner.exporterName, "sent"])
      exported.set(Double(progress.refused), labels: [runner.exporterName, "refused"])
      exported.set(Double(progress.dropped), labels: [runner.exporterName, "dropped"])
    }
  }

  /// Returns the counts for `/api/v1/stats`.
  func stats() throws -> StatsHandler.Stats {
    StatsHandler.Stats(
      recorded: metrics.deliveryCount(.recorded), duplicate: metrics.deliveryCount(.duplicate),
      ignored: metrics.deliveryCount(.ignored), unreadable: metrics.deliveryCount(.unreadable),
      openSpans: metrics.openSpanCount, finishedSpans: metrics.finishedSpanCount,
      exporters: try runners.map { runner in
        let progress = runner.currentProgress
        let pending = try store.outboxEntryCount(after: progress.sequence)
        return (runner.exporterName, pending, progress.sent, progress.refused, progress.dropped)
      })
  }

  /// Returns the state for the pages Connect and System.
  ///
  /// - Parameters:
  ///   - start: when the daemon started.
  ///   - activity: the deliveries of each source since then.
  func dashboardStatus(_ settings: DaemonSettings, start: Timestamp, activity: SourceActivity) throws -> DaemonStatus {
    var status = DaemonStatus(start: start)
    status.publicURL = settings.publicURL
    status.sources = settings.sources.map { source in
      let record = activity.record(of: source.name)
      return DaemonStatus.Source(
        name: source.name, route: source.route, hasSecret: !source.acceptsUnsigned,
        refusals: record.refusals.values.sorted { $0.time > $1.time }, last: record.last)
    }
    status.exporters = try runners.map { runner in
      let progress = runner.currentProgress
      let oldest = try store.outboxEntries(after: progress.sequence, limit: 1).first
      return DaemonStatus.Exporter(
        name: runner.exporterName, pending: try store.outboxEntryCount(after: progress.sequence), sent: progress.sent,
        refused: progress.refused, dropped: progress.dropped, failingSince: progress.failingSince,
        oldestPending: oldest?.outboxEntry.time)
    }
    status.obstacle = unreadiness
    status.warnings = warnings
    status.waitingDeliveries = recorder.waitingCount
    status.unprojectedDeliveries = projectionLag
    status.stallSeconds = projector.stall?.seconds ?? 0
    status.store =
      switch settings.store {
      case .memory: "memory: it ends with vsd"
      case .directory(let path): path
      }
    status.logBytes = try log.size()
    status.spanBytes = try store.size()
    status.retention = [
      ("deliveries are kept", Self.text(of: settings.logRetention)),
      ("finished spans are kept", Self.text(of: settings.spanRetention)),
    ]
    status.openSpans = metrics.openSpanCount
    status.finishedSpans = metrics.finishedSpanCount
    status.setAsideDeliveries = setAside.count
    status.damagedRecords = damage.counts.values.reduce(0, +)
    status.settings = [
      ("version", ValueStreamVersion.current), ("tracers", settings.tracers.map(\.rawValue).joined(separator: ", ")),
      ("trace strategy", "\(settings.traceStrategy)"), ("log level", "\(settings.logLevel)"),
      ("read token", settings.secrets.readToken == nil ? "none" : "set"),
      ("operator token", settings.secrets.operatorToken == nil ? "none" : "set"),
      ("public address", settings.publicURL ?? "none"),
    ]
    return status
  }

  private static func text(of duration: Duration) -> String {
    let days = duration.components.seconds / 86_400
    return days >= 2 ? "\(days) days" : "\(duration.components.seconds / 3600) hours"
  }
}
