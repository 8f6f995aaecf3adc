import DeliveryCounters
import DeliveryGauges
import Export
import Hooks
import Intake
import Leadership
import Mock
import PoisonGuard
import Projection
import QueryAPI
import Synchronization
import ValueStreamCore

/// What only the daemon that leads does: it projects deliveries, computes facts and their gauges, exports spans, removes what
/// is old, and asks vendors for lost deliveries.
///
/// Built from the store each time the daemon begins to lead.
final class Leader: LeaderWork {
  /// What a leader works with.
  struct Inputs: Sendable {
    let settings: DaemonSettings
    let store: OpenStore
    let damage: DamageReport
    let mock: MockTracer?
    let healing: CurrentHealing?
    let clock: any WallClock
    let logger: Logger
    /// What intake remembers, which a leader shares if nobody else projects.
    let recent: RecentDeliveries
  }

  let projector: Projector
  let facts: FactWorker
  let gauges: DeliveryGauges
  let runners: [ExportRunner]
  let metrics: ProjectionMetrics
  let setAside = SetAsideDeliveries()
  /// The metrics of which one daemon tells for all.
  let registry: MetricRegistry

  private let inputs: Inputs
  private let retention: Retention
  private let healer: HookHealer?
  private let state: LeaderGauges
  private let isLost = Mutex(false)
  private let stops: AsyncStream<Void>
  private let stopped: AsyncStream<Void>.Continuation

  /// How often to look for deliveries that other daemons have recorded.
  private static let pollInterval = Duration.milliseconds(100)

  /// Reads the state of the projection from the store. Blocks.
  ///
  /// - Throws: ``StoreError`` if the store cannot be read.
  init(_ inputs: Inputs) throws {
    self.inputs = inputs
    let (settings, clock, logger, mock) = (inputs.settings, inputs.clock, inputs.logger, inputs.mock)
    let (log, store, poisonGuard) = (inputs.store.log, inputs.store.spans, inputs.store.poisonGuard)
    try inputs.store.prepareToLead()
    registry = MetricRegistry(textBytes: settings.metricBytes) { Self.tellFold(of: $0, logger) }
    metrics = ProjectionMetrics(registry: registry, seriesLimit: settings.seriesLimit)
    metrics.touchDeliveries(ofSources: settings.sources.map(\.name))
    let ledger = ExportLedger(store: store, strategy: settings.traceStrategy)
    let runners = try settings.destinations.enumerated().map { index, destination in
      try ExportRunner(
        exporter: destination.exporter, store: store, ledger: ledger, gracePeriod: settings.gracePeriod,
        backlog: settings.exportBacklog, clock: clock, logger: logger, poisonGuard: poisonGuard, index: index)
    }
    self.runners = runners
    let unmeasurableLines = LogThrottle()
    // What another leader has projected since decides what is a duplicate, rather than what this daemon remembers.
    let recent = settings.store.isShared ? RecentDeliveries() : inputs.recent
    let batches = try ProjectionBatches(
      store: store, logEnd: try log.coverage(), sources: settings.readers, recent: recent, registry: registry,
      metrics: metrics, clock: clock, grace: settings.countGrace, exportsImported: settings.exportsImported,
      damage: inputs.damage, poisonGuard: poisonGuard, setAside: setAside
    ) { span in
      mock?.record(span)
    } onUnmeasurable: { outboxEntry, error in
      guard let heldBack = unmeasurableLines.pass() else { return }
      logger.log(.warn, "attempt \(outboxEntry.attempt) of \(outboxEntry.key) cannot be measured: \(error)") {
        $0.member("similarBefore", heldBack)
      }
    } onSetAside: { position, source, reason in
      logger.log(.error, "delivery set aside, and not projected: \(reason)") { line in
        line.member("delivery", String(position.rawValue))
        line.member("source", source)
      }
    }
    let gauges = DeliveryGauges(
      registry: registry, facts: store, settings: { settings.reports.settings }, zone: settings.reports.zone, clock: clock,
      logger: logger)
    let facts = FactWorker(
      store: store, strategy: settings.traceStrategy, rules: settings.factRules, registry: registry, clock: clock,
      logger: logger, poisonGuard: poisonGuard
    ) {
      gauges.wake()
    }
    var configuration = Projector.Configuration()
    configuration.isImmediate = mock != nil
    configuration.pollInterval = settings.store.isShared ? Self.pollInterval : nil
    projector = Projector(log: log, batches: batches, configuration: configuration, logger: logger) {
      facts.wake()
    } onOutboxEntry: {
      for runner in runners { runner.wake() }
    }
    self.facts = facts
    self.gauges = gauges
    retention = Retention(
      log: log, store: store, clock: clock, logger: logger, logAge: settings.logRetention, logBytes: settings.logMaxBytes,
      spanAge: settings.spanRetention, factAge: settings.factRetention, exporters: runners.map(\.exporterName))
    healer = inputs.healing.map { [registry] in HookHealer(of: $0, registry: registry, clock: clock, logger: logger) }
    state = LeaderGauges(
      registry: registry, store: store, metrics: metrics, clock: clock, hasBranchMetrics: settings.hasBranchMetrics)
    (stops, stopped) = AsyncStream.makeStream()
  }

  private static func tellFold(of family: MetricFamily, _ logger: Logger) {
    let hidden = family.hiddenCount
    let reason =
      hidden > 0
      ? "/metrics is as large as --metric-size allows: \(family.name) shows what is new as other"
      : "\(family.name) has as many series as --metric-series-limit allows: what is new is counted as other"
    logger.log(.warn, reason) { line in
      if hidden > 0 { line.member("folded", hidden) } else { line.member("limit", family.seriesLimit) }
    }
  }

  // MARK: Working

  func stop(isLost: Bool) {
    if isLost { self.isLost.withLock { $0 = true } }
    stopped.finish()
  }

  func run() async throws {
    async let exporting: Void = withTaskGroup { group in
      for runner in runners { group.addTask { await runner.run() } }
    }
    // Both tasks are cancelled when this function returns.
    async let _: Void = retention.run()
    async let _: Void = healer?.run() ?? ()
    try await project()
    for runner in runners { runner.stop() }
    await exporting
    if isLost.withLock(\.self) { return }
    // A store in memory ends here. Export the spans that late events could still change as they are.
    let isEnd = inputs.settings.store == .memory
    await withTaskGroup { group in
      for runner in runners { group.addTask { await runner.finish(ignoringGracePeriod: isEnd) } }
    }
    do {
      try projector.keepCounts()
    } catch {
      inputs.logger.error("cannot store the last counts of duplicate and refused deliveries: \(error)")
    }
  }

  /// Runs projector, the computation of facts and that of their gauges, and stops them in this order, so that each finishes what
  /// the previous one passed on.
  private func project() async throws {
    let (projector, facts, gauges) = (projector, facts, gauges)
    async let projecting: Void = inputs.mock != nil ? () : OwnThread.run { projector.run() }
    async let keepingFacts: Void = OwnThread.run { facts.run() }
    async let keepingGauges: Void = OwnThread.run { gauges.run() }
    defer {
      projector.stop()
      facts.stop()
      gauges.stop()
    }
    for await _ in stops {}
    projector.stop()
    try await projecting
    facts.stop()
    try await keepingFacts
    gauges.stop()
    try await keepingGauges
  }

  // MARK: Metrics

  /// Updates the gauges before a scrape.
  func refreshGauges() {
    // Ends that cannot be counted now are counted with the next deliveries.
    try? projector.countEnds()
    facts.refreshGauges()
    state.refresh(log: inputs.store.log, projector: projector, runners: runners, isImmediate: inputs.mock != nil)
  }
}

/// The gauges of a store as a whole, of which the leader tells.
private struct LeaderGauges {
  private let store: any SpanStore
  private let clock: any WallClock
  private let stalled: MetricFamily
  private let delay: MetricFamily
  private let lag: MetricFamily
  private let bytes: MetricFamily
  private let exportPending: MetricFamily
  private let exportLag: MetricFamily
  private let exported: MetricFamily
  private let ages: AgeGauges
  private let branches: BranchGauges?

  init(
    registry: MetricRegistry, store: any SpanStore, metrics: ProjectionMetrics, clock: any WallClock, hasBranchMetrics: Bool
  ) {
    self.store = store
    self.clock = clock
    lag = registry.family(
      .gauge, "valuestream_projection_lag_deliveries", help: "Recorded deliveries that are not projected into spans yet.")
    stalled = registry.family(
      .gauge, "valuestream_projection_stalled_seconds",
      help: "How long recorded deliveries have waited while none was projected; 0 when none wait.")
    delay = registry.family(
      .gauge, "valuestream_projection_delay_seconds",
      help: "How long the latest projected deliveries waited after they were recorded, or how long others wait; 0 when none wait."
    )
    bytes = registry.family(.gauge, "valuestream_store_bytes", help: "Bytes on disk, by part.", labels: ["part"])
    exportPending = registry.family(
      .gauge, "valuestream_export_pending_spans", help: "Finished spans that wait for an exporter.", labels: ["exporter"])
    exportLag = registry.family(
      .gauge, "valuestream_export_lag_seconds", help: "Time since the end of the oldest span that waits for an exporter.",
      labels: ["exporter"])
    exported = registry.family(
      .gauge, "valuestream_export_spans", help: "Spans exported over the life of the store, by result.",
      labels: ["exporter", "result"])
    ages = AgeGauges(registry: registry, store: store, clock: clock, metrics: metrics)
    branches = hasBranchMetrics ? BranchGauges(registry: registry, store: store, clock: clock) : nil
  }

  func refresh(log: any DeliveryLog, projector: Projector, runners: [ExportRunner], isImmediate: Bool) {
    try? ages.refresh()
    try? branches?.refresh()
    if isImmediate {
      lag.set(0)
    } else if let last = try? log.coverage() {
      lag.set(Double(last.count(beyond: projector.projected)))
    } else {
      lag.set(0)
    }
    stalled.set(projector.stall?.seconds ?? 0)
    delay.set(projector.delay)
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
}
