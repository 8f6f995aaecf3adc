import Dashboard
import DeliveryCounters
import DeliveryGauges
import DeliveryMetrics
import Export
import Glibc
import Hooks
import Intake
import Mock
import PoisonGuard
import Projection
import Prometheus
import QueryAPI
import SQLiteStore
import ValueStreamCore

/// Builds the parts of vsd, connects them, and runs them.
struct Daemon {
  private let settings: DaemonSettings
  private let reload: SecretReload
  private let secrets: CurrentSecrets
  private let logger: Logger
  private let log: any DeliveryLog
  private let store: any SpanStore & FactStore
  private let recorder: DeliveryRecorder
  private let projector: Projector
  private let facts: FactWorker
  private let gauges: DeliveryGauges
  private let state: DaemonState
  private let runners: [ExportRunner]
  private let retention: Retention
  private let healer: HookHealer?
  private let server: HTTPServer

  /// The longest time for which an API request waits until deliveries acknowledged before it are projected.
  private static let longestWait = Duration.seconds(2)
  /// The longest time for which it waits until deliveries with many events are projected as a whole.
  private static let longestWaitForLarge = Duration.milliseconds(500)

  /// Opens the store and builds the parts. Nothing listens yet.
  init(settings: DaemonSettings, reload: SecretReload, logger: Logger) throws {
    self.settings = settings
    self.reload = reload
    let secrets = CurrentSecrets(settings.secrets)
    self.secrets = secrets
    self.logger = logger
    let clock = SystemClock()
    let authenticator = try SystemMessageAuthenticator()
    let isMock = settings.tracers.contains(.mock)
    let damageLines = LogThrottle()
    let damage = DamageReport { damage in
      guard let heldBack = damageLines.pass(damage.part.rawValue) else { return }
      logger.log(.error, "damaged, and passed over: \(damage)") { $0.member("similarBefore", heldBack) }
    }
    let (log, store) = try Self.openStores(settings.store, damage)
    // Opening the store locked it, so no other process writes to the directory of the guard.
    let poisonGuard: PoisonGuard =
      switch settings.store {
      case .memory: PoisonGuard()
      case .directory(let path): PoisonGuard(directory: path)
      }
    let setAside = SetAsideDeliveries()
    let registry = MetricRegistry(textBytes: settings.metricBytes) { family in
      let hidden = family.hiddenCount
      let reason =
        hidden > 0
        ? "/metrics is as large as --metric-size allows: \(family.name) shows what is new as other"
        : "\(family.name) has as many series as --metric-series-limit allows: what is new is counted as other"
      logger.log(.warn, reason) { line in
        if hidden > 0 { line.member("folded", hidden) } else { line.member("limit", family.seriesLimit) }
      }
    }
    let metrics = ProjectionMetrics(registry: registry, seriesLimit: settings.seriesLimit)
    let recent = RecentDeliveries()
    let mock = isMock ? MockTracer() : nil

    let ledger = ExportLedger(store: store, strategy: settings.traceStrategy)
    let runners = try settings.destinations.enumerated().map { index, destination in
      try ExportRunner(
        exporter: destination.exporter, store: store, ledger: ledger, gracePeriod: settings.gracePeriod,
        backlog: settings.exportBacklog,
        clock: clock, logger: logger, poisonGuard: poisonGuard, index: index)
    }
    metrics.touchDeliveries(ofSources: settings.sources.map(\.name))
    let unmeasurableLines = LogThrottle()
    let batches = try ProjectionBatches(
      store: store, logEnd: try log.coverage(), sources: settings.readers, recent: recent, registry: registry,
      metrics: metrics, clock: clock, grace: settings.countGrace, exportsImported: settings.exportsImported,
      damage: damage, poisonGuard: poisonGuard, setAside: setAside
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
    configuration.isImmediate = isMock
    let projector = Projector(log: log, batches: batches, configuration: configuration, logger: logger) {
      facts.wake()
    } onOutboxEntry: {
      for runner in runners { runner.wake() }
    }
    let activity = SourceActivity(
      IntakeMetrics(registry: registry, deliveries: metrics.deliveries, sources: settings.sources.map(\.name), logger: logger),
      clock: clock)
    let recorder = try DeliveryRecorder(log: log, sink: projector, recent: recent, observer: activity)

    let waitForProjection: @Sendable () -> Void = {
      // With the mock tracer, deliveries are projected before they are answered.
      guard !isMock, let last = try? log.coverage() else { return }
      projector.wait(for: last, atMost: Self.longestWait, forLarge: Self.longestWaitForLarge)
    }
    let waitForFacts: @Sendable () -> Void = {
      waitForProjection()
      facts.wait(atMost: Self.longestWait)
    }
    let state = DaemonState(
      log: log, store: store, recorder: recorder, projector: projector, facts: facts, runners: runners, metrics: metrics,
      registry: registry,
      clock: clock, hasBranchMetrics: settings.hasBranchMetrics, isImmediate: isMock, damage: damage, setAside: setAside)
    var routes = secrets.sources.map { Route.webhook($0) } + Route.imports(of: secrets.importing)
    routes += Route.health(unreadiness: { state.unreadiness }, warnings: { state.warnings })
    routes.append(
      .handler(
        .exact("/metrics"), access: .openUnlessProtected, as: .metrics,
        MetricsHandler(
          registry: registry,
          traces: ExemplarTraces(store: store, strategy: settings.traceStrategy, gracePeriod: settings.gracePeriod, clock: clock),
          compress: Deflater.gzip
        ) {
          // After a crash, counters start at the state of the store until the rest of the log is projected. Wait, so that
          // they never show less than before.
          waitForProjection()
          state.refreshGauges()
        }))
    routes.append(
      .handler(
        .exact("/api/v1/stats"), access: .reading, as: .api,
        StatsHandler {
          waitForProjection()
          return try state.stats()
        }))
    let queries = SpanQueries(
      store: store, strategy: settings.traceStrategy, clock: clock, logger: logger,
      sources: settings.sources.map(\.name), damage: damage, waitForProjection: waitForProjection)
    let spans = SpansHandler(queries)
    let traces = TracesHandler(queries)
    let jaeger = JaegerHandler(queries)
    let reading = DeliveryReading(
      log: log, sources: settings.readers, setAside: { setAside.reason(of: $0) }, unread: { UnreadValues(in: $0) })
    let deliveries = DeliveriesHandler(reading, logger: logger)
    var answers: [(Route.Path, any HTTPHandler)] = [
      (.exact("/api/v1/spans"), spans), (.prefix(SpansHandler.prefix), spans),
      (.exact("/api/v1/traces"), traces), (.prefix(TracesHandler.prefix), traces),
      (.exact("/api/v1/deliveries"), deliveries), (.prefix(DeliveriesHandler.prefix), deliveries),
      (.exact("/api/v1/refusals"), RejectionsHandler(queries)), (.exact(OpenAPIHandler.path), OpenAPIHandler()),
    ]
    answers += JaegerHandler.paths.map { (.exact($0), jaeger) } + JaegerHandler.prefixes.map { (.prefix($0), jaeger) }
    let base = settings.publicURL.flatMap(WebAddress.path).map { "/\($0)" } ?? ""
    var defaults = settings.reports
    defaults.base = base
    let history = HistoryCache()
    let reports = ReportQueries(
      facts: store, store: store, clock: clock, logger: logger, defaults: defaults, waitForFacts: waitForFacts,
      isWorking: { projector.stall != nil || facts.hasWork }, history: history)
    answers.append((.prefix(ReportHandler.prefix), ReportHandler(reports)))
    answers.append((.exact(HistoryHandler.path), HistoryHandler(reports)))
    let decisions = OperatorLog(recorder, clock: clock)
    let exclusions = ExclusionService(facts: store, queries: queries) { decisions.record($0) }
    answers.append((.exact(ExclusionsHandler.path), ExclusionsHandler(exclusions)))
    routes += answers.map { .handler($0, access: .reading, as: .api, $1) }
    routes.append(
      .handler(
        .exact(OperatorHandler.path), methods: ["POST"], access: .operating, as: .api, OperatorHandler(exclusions)))
    let start = clock.now()
    let session = secrets.readToken.map { PageSession(token: $0, authenticator: authenticator, clock: clock) }
    let operators = secrets.operatorToken.map { PageSession(token: $0, authenticator: authenticator, clock: clock) }
    let isSecure = settings.publicURL?.lowercased().hasPrefix("https:") ?? false
    let signIn = SignIn(
      session, operators: operators, base: base, isSecure: isSecure, origin: settings.publicURL.flatMap(WebAddress.origin))
    let dashboard = Dashboard(
      Dashboard.Inputs(
        queries: queries, deliveries: reading,
        reports: .init(
          facts: store, settings: settings.reports.settings, zone: settings.reports.zone, waitForFacts: waitForFacts,
          isWorking: { projector.stall != nil || facts.hasWork }, history: history),
        exclusions: .init(
          exclusions, sessions: [session, operators].compactMap(\.self), operators: operators, isSecure: isSecure)
      ) {
        try state.dashboardStatus(settings, start: start, activity: activity)
      }, base: base, signOutToken: { session?.formToken($0.headers) ?? operators?.formToken($0.headers) })
    routes += Route.pages(dashboard, signIn)
    if let mock {
      routes.append(
        .handler(.exact("/mocktracer/finished-spans"), access: .open, as: .mock, FinishedSpansHandler(tracer: mock)))
      routes.append(
        .handler(
          .exact("/mocktracer/reset"), methods: ["GET", "POST"], access: .open, as: .mock,
          MockResetHandler {
            facts.reset {
              projector.reset {
                (log as? MemoryDeliveryLog)?.removeAll()
                (store as? MemorySpanStore)?.removeAll()
                metrics.forgetSubjects()
                mock.removeAll()
              }
            }
            gauges.wake()
          }))
    }

    var listeners = [HTTPServer.Listener(settings.address)]
    if let admin = settings.adminAddress { listeners.append(HTTPServer.Listener(admin, role: .admin)) }
    var limits = HTTPLimits()
    limits.bodyBytes = settings.maxBodyBytes
    limits.trustedProxies = settings.trustedProxies
    server = try HTTPServer(
      listeners: listeners,
      router: Router(
        routes: routes, readToken: secrets.readToken, authenticator: authenticator, session: session,
        operators: OperatorAccess(token: secrets.operatorToken, session: operators, publicURL: settings.publicURL),
        signIn: signIn),
      recorder: recorder, limits: limits, authenticator: authenticator, clock: clock, observer: activity)
    self.log = log
    self.store = store
    self.recorder = recorder
    self.projector = projector
    self.facts = facts
    self.gauges = gauges
    self.state = state
    self.runners = runners
    healer = secrets.healing.map { HookHealer(of: $0, registry: registry, clock: clock, logger: logger) }
    retention = Retention(
      log: log, store: store, clock: clock, logger: logger, logAge: settings.logRetention, logBytes: settings.logMaxBytes,
      spanAge: settings.spanRetention, factAge: settings.factRetention, exporters: runners.map(\.exporterName))
  }

  private static func openStores(
    _ store: DaemonSettings.Store, _ damage: DamageReport
  ) throws -> (any DeliveryLog, any SpanStore & FactStore) {
    switch store {
    case .memory: return (MemoryDeliveryLog(), MemorySpanStore())
    case .directory(let path):
      var logOptions = SQLiteDeliveryLog.Options()
      logOptions.damage = damage
      var storeOptions = SQLiteSpanStore.Options()
      storeOptions.damage = damage
      return (
        try SQLiteDeliveryLog(directory: path, options: logOptions), try SQLiteSpanStore(directory: path, options: storeOptions)
      )
    }
  }

  /// Serves until SIGINT or SIGTERM, then finishes requests in flight and pending exports, and closes the store. SIGHUP reads
  /// secrets again.
  func run() async throws {
    let server = server
    let signals = await SignalHandler([SIGINT, SIGTERM]) { server.stop() }
    let (reload, secrets, logger) = (reload, secrets, logger)
    let hangups = await SignalHandler([SIGHUP]) { reload.reload(into: secrets, logger) }
    defer {
      signals.cancel()
      hangups.cancel()
    }
    for source in settings.sources { logger.info("initializing source: \"\(source.name)\"") }
    for source in settings.sources where source.acceptsUnsigned {
      logger.warn("source \"\(source.name)\" has no secret: anybody who reaches \(source.route) may send it deliveries")
    }
    for notice in settings.destinations.compactMap(\.notice) { logger.warn(notice) }
    let bound = try server.start()
    logger.log(.info, "Starting Server: \"\(settings.address)\"") { line in
      line.name("listening")
      line.array(bound) { $0.value($1.description) }
    }
    let listeningFile = try settings.listeningFile.map { try ListeningFile($0, bound) }
    defer { listeningFile?.remove() }
    try await work()
    // A store in memory ends here. Export the spans that late events could still change as they are.
    await withTaskGroup { group in
      for runner in runners { group.addTask { await runner.finish(ignoringGracePeriod: settings.store == .memory) } }
    }
    do {
      try projector.keepCounts()
    } catch {
      logger.error("cannot store the last counts of duplicate and refused deliveries: \(error)")
    }
    store.close()
    log.close()
    logger.info("stopped")
  }

  /// Serves, exports, and removes expired data, until serving ends.
  private func work() async throws {
    async let exporting: Void = withTaskGroup { group in
      for runner in runners { group.addTask { await runner.run() } }
    }
    // Both tasks are cancelled when this function returns.
    async let _: Void = awaitWriting()
    async let _: Void = retention.run()
    async let _: Void = healer?.run() ?? ()
    try await serve()
    for runner in runners { runner.stop() }
    await exporting
  }

  /// If the store could only be opened for reading, retries until it can be written.
  private func awaitWriting() async {
    guard let obstacle = state.writeObstacle else { return }
    logger.error("only reads, and answers 503 to deliveries, until the store can be written: \(obstacle)")
    while !Task.isCancelled {
      try? await Task.sleep(for: Self.writingPause)
      // Opening and reading block, so use a thread.
      if (try? await OwnThread.run { state.writeObstacle }) == .some(nil) {
        logger.info("the store can be written, and takes deliveries again")
        return
      }
    }
  }

  private static let writingPause = Duration.seconds(1)

  /// Runs intake, log, projector, the computation of facts and that of their gauges, and stops them in this order, so that each finishes what the previous one passed on.
  private func serve() async throws {
    async let recording: Void = recorder.run()
    async let projecting: Void = settings.tracers.contains(.mock) ? () : OwnThread.run { projector.run() }
    async let keepingFacts: Void = OwnThread.run { facts.run() }
    async let keepingGauges: Void = OwnThread.run { gauges.run() }
    defer {
      facts.stop()
      gauges.stop()
    }
    let served: Result<Void, any Error>
    do {
      served = .success(try await server.run())
    } catch {
      served = .failure(error)
    }
    recorder.finish()
    try await recording
    projector.stop()
    try await projecting
    facts.stop()
    try await keepingFacts
    gauges.stop()
    try await keepingGauges
    try served.get()
  }
}
