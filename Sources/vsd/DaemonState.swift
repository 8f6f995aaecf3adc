import Catalog
import Dashboard
import DeliveryCounters
import Export
import Intake
import Leadership
import PostgresStore
import Projection
import QueryAPI
import ValueStreamCore

/// The state of the daemon: readiness, warnings, gauges and statistics.
struct DaemonState: Sendable {
  private let log: any DeliveryLog
  private let store: any SpanStore
  private let recorder: DeliveryRecorder
  private let leadership: Leadership<Leader>
  private let stored: StoredProjection
  private let watch: StoreWatch
  private let settings: DaemonSettings
  private let clock: any WallClock
  private let damage: DamageReport

  private let registry: MetricRegistry
  private let ready: MetricFamily
  private let leading: MetricFamily
  private let damaged: MetricFamily
  private let waiting: MetricFamily
  private let lostLines: MetricFamily
  private let folded: MetricFamily
  private let cut: MetricFamily

  /// The seconds that deliveries may wait, or wait without any being projected, before there is a warning.
  private static let tolerableStallSeconds = 5.0

  /// The number of unprojected deliveries above which the daemon is not ready.
  private static let tolerableLag: UInt64 = 100_000

  init(
    _ store: OpenStore, recorder: DeliveryRecorder, leadership: Leadership<Leader>, watch: StoreWatch,
    registry: MetricRegistry, settings: DaemonSettings, clock: any WallClock, damage: DamageReport
  ) {
    log = store.log
    self.store = store.spans
    self.recorder = recorder
    self.leadership = leadership
    self.watch = watch
    stored = watch.stored
    self.settings = settings
    self.clock = clock
    self.damage = damage
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
    leading = registry.family(
      .gauge, "valuestream_leading", help: "1 while this vsd projects deliveries and exports spans; 0 while another one does.")
    waiting = registry.family(.gauge, "valuestream_log_waiting_deliveries", help: "Deliveries that wait to be made durable.")
    damaged = registry.family(
      .gauge, "valuestream_damaged_records", help: "Damaged records found in log and store since the start, by part.",
      labels: ["part"])
    lostLines = registry.family(
      .counter, "valuestream_log_lines_lost_total", help: "Log lines that were lost because standard output was not read.")
    registry.family(.gauge, "valuestream_build_info", help: "Always 1. The label is the version.", labels: ["version"])
      .set(1, labels: [ValueStreamVersion.current])
  }

  /// The metrics of this daemon, and those of the leader while it leads.
  var families: [MetricFamily] { registry.all + (leadership.work?.registry.all ?? []) }

  /// The reason why the log or store cannot be written; nil if both can. Reopens for writing what was opened for reading.
  ///
  /// A database may take long to answer, so this tells what was found when somebody last looked.
  var writeObstacle: String? {
    if settings.store.isShared { return leadership.obstacle }
    do {
      try log.prepareToWrite()
      try store.prepareToWrite()
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// The reason why the daemon is not ready for deliveries; nil if it is.
  ///
  /// Whether it leads makes no difference.
  var unreadiness: String? {
    if let obstacle = writeObstacle { return "nothing can be written: \(obstacle)" }
    let behind = projectionLag
    return behind > Self.tolerableLag ? "\(behind) deliveries are recorded but not projected yet" : nil
  }

  /// Messages for the operator about problems that put no delivery at risk.
  var warnings: [String] {
    var warnings: [String] = []
    let projector = leadership.work?.projector
    if let stall = projector?.stall, stall.seconds > Self.tolerableStallSeconds {
      let reason = stall.failure.map { ": \($0)" } ?? ""
      warnings.append("\(projectionLag) deliveries wait, and none was projected for \(Int(min(stall.seconds, 1e9))) s\(reason)")
    } else if let delay = projector?.delay, delay > Self.tolerableStallSeconds {
      warnings.append("\(projectionLag) deliveries wait; they show \(Int(min(delay, 1e9))) s or more after they came")
    }
    let counts = damage.counts
    if !counts.isEmpty {
      let parts = StoreDamage.Part.allCases.compactMap { part in counts[part].map { "\($0) of part \(part.rawValue)" } }
      warnings.append("damaged records are passed over (\(parts.joined(separator: ", "))); vsd check lists them")
    }
    let count = leadership.work?.setAside.count ?? 0
    if count > 0 { warnings.append("\(count) deliveries are set aside; /api/v1/deliveries?result=unreadable tells why") }
    warnings += leadership.work?.facts.warnings ?? []
    return warnings
  }

  /// The number of deliveries that are recorded but not projected yet.
  var projectionLag: UInt64 {
    if settings.store.isShared { return watch.lag }
    guard !settings.usesMockTracer, let last = try? log.coverage() else { return 0 }
    return last.count(beyond: leadership.work?.projector.projected)
  }

  /// Returns why a delivery could not be projected; nil if it was, or if that is unknown.
  func reasonSetAside(_ position: LogPosition) -> String? {
    let list = leadership.work?.setAside ?? (try? stored.setAside())
    return list?.reason(of: position)
  }

  /// Updates the gauges before a scrape.
  func refreshGauges() {
    // Each reading of a database that does not answer would take seconds.
    if leadership.obstacle == nil { leadership.work?.refreshGauges() }
    ready.set(unreadiness == nil ? 1 : 0)
    leading.set(leadership.work == nil ? 0 : 1)
    lostLines.set(Double(StandardOutput.lostCount))
    let families = families.filter(\.isLimited)
    folded.replaceSeries(families.map { ([$0.name], Double($0.foldedCount)) })
    cut.replaceSeries(families.map { ([$0.name], Double($0.cutCount)) })
    waiting.set(Double(recorder.waitingCount))
    for part in StoreDamage.Part.allCases { damaged.set(Double(damage.counts[part] ?? 0), labels: [part.rawValue]) }
  }

  /// The progress of the exporters, which the store tells while another daemon exports.
  private func exportProgress() throws -> [(name: String, progress: ExportProgress)] {
    if let leader = leadership.work { return leader.runners.map { ($0.exporterName, $0.currentProgress) } }
    let stored = try store.exportProgress()
    return settings.destinations.map { ($0.exporter.name, stored[$0.exporter.name] ?? ExportProgress()) }
  }

  /// Returns the counts for `/api/v1/stats`.
  func stats() throws -> StatsHandler.Stats {
    let metrics = try leadership.work?.metrics ?? stored.metrics()
    var stats = StatsHandler.Stats(
      recorded: metrics.deliveryCount(.recorded), duplicate: metrics.deliveryCount(.duplicate),
      ignored: metrics.deliveryCount(.ignored), unreadable: metrics.deliveryCount(.unreadable),
      openSpans: metrics.openSpanCount, finishedSpans: metrics.finishedSpanCount,
      exporters: try exportProgress().map { name, progress in
        let pending = try store.outboxEntryCount(after: progress.sequence)
        return (name, pending, progress.sent, progress.refused, progress.dropped)
      })
    if settings.store.isShared { stats.leadership = (leadership.work != nil, try leadership.leader()) }
    return stats
  }

  /// Returns the state for the pages Connect and System.
  ///
  /// - Parameters:
  ///   - start: when the daemon started.
  ///   - activity: the deliveries of each source since then.
  func dashboardStatus(start: Timestamp, activity: SourceActivity) throws -> DaemonStatus {
    var status = DaemonStatus(start: start)
    status.publicURL = settings.publicURL
    status.sources = settings.sources.map { source in
      let record = activity.record(of: source.name)
      let factory = SourceCatalog.factory(named: source.name)
      return DaemonStatus.Source(
        name: source.name, route: source.route, hasSecret: !source.acceptsUnsigned,
        secretVariable: factory?.secret.variable, guide: factory?.guide,
        refusals: record.refusals.values.sorted { $0.time > $1.time }, last: record.last)
    }
    status.exporters = try exportProgress().map { name, progress in
      let oldest = try store.outboxEntries(after: progress.sequence, limit: 1).first
      return DaemonStatus.Exporter(
        name: name, pending: try store.outboxEntryCount(after: progress.sequence), sent: progress.sent,
        refused: progress.refused, dropped: progress.dropped, failingSince: progress.failingSince,
        oldestPending: oldest?.outboxEntry.time)
    }
    status.obstacle = unreadiness
    status.warnings = warnings
    status.waitingDeliveries = recorder.waitingCount
    status.unprojectedDeliveries = projectionLag
    status.stallSeconds = leadership.work?.projector.stall?.seconds ?? 0
    switch settings.store {
    case .memory: status.store = "memory: it ends with vsd"
    case .directory(let path): status.store = path
    case .postgres(let address):
      status.store = address.description
      status.leader = leadership.work == nil ? try leadership.leader() ?? "nobody at present" : "this vsd"
    }
    status.logBytes = try log.size()
    status.spanBytes = try store.size()
    status.retention = [
      ("deliveries are kept", Self.text(of: settings.logRetention)),
      ("finished spans are kept", Self.text(of: settings.spanRetention)),
    ]
    let metrics = try leadership.work?.metrics ?? stored.metrics()
    status.openSpans = metrics.openSpanCount
    status.finishedSpans = metrics.finishedSpanCount
    status.setAsideDeliveries = try leadership.work?.setAside.count ?? stored.setAside().count
    status.damagedRecords = damage.counts.values.reduce(0, +)
    let tracers = settings.tracers.joined(separator: ", ")
    status.settings = [
      ("version", ValueStreamVersion.current), ("tracers", tracers.isEmpty ? "none" : tracers),
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
