import Dashboard
import DeliveryCounters
import DeliveryGauges
import DeliveryMetrics
import Intake
import Leadership
import Mock
import PayloadReading
import Projection
import Prometheus
import QueryAPI
import ValueStreamCore

/// The routes of a daemon: webhooks, and pages, API and metrics, which each daemon answers from the store.
struct DaemonRoutes {
  let settings: DaemonSettings
  let secrets: CurrentSecrets
  let store: OpenStore
  let leadership: Leadership<Leader>
  let stored: StoredProjection
  let state: DaemonState
  let recorder: DeliveryRecorder
  let activity: SourceActivity
  let authenticator: SystemMessageAuthenticator
  let damage: DamageReport
  let mock: MockTracer?
  let clock: any WallClock
  let logger: Logger

  /// The longest time for which an API request waits until deliveries acknowledged before it are projected.
  private static let longestWait = Duration.seconds(2)
  /// The longest time for which it waits until deliveries with many events are projected as a whole.
  private static let longestWaitForLarge = Duration.milliseconds(500)

  // MARK: Waiting

  /// Waits until what was acknowledged so far, by any daemon, is projected.
  private func waitForProjection() {
    // With the mock tracer, deliveries are projected before they are answered.
    // Without the store there is nothing to wait for.
    guard mock == nil, leadership.obstacle == nil else { return }
    if let leader = leadership.work {
      guard let last = try? store.log.coverage() else { return }
      leader.projector.wait(for: last, atMost: Self.longestWait, forLarge: Self.longestWaitForLarge)
    } else {
      stored.wait(atMost: Self.longestWait)
    }
  }

  private func waitForFacts() {
    waitForProjection()
    if let leader = leadership.work {
      leader.facts.wait(atMost: Self.longestWait)
    } else {
      stored.waitForFacts(atMost: Self.longestWait)
    }
  }

  private var isWorking: Bool {
    leadership.work.map { $0.projector.stall != nil || $0.facts.hasWork } ?? stored.isWorking
  }

  // MARK: Routes

  func router() -> Router {
    let start = clock.now()
    let base = settings.publicURL.flatMap(WebAddress.path).map { "/\($0)" } ?? ""
    let session = secrets.readToken.map { PageSession(token: $0, authenticator: authenticator, clock: clock) }
    let operators = secrets.operatorToken.map { PageSession(token: $0, authenticator: authenticator, clock: clock) }
    let isSecure = settings.publicURL?.lowercased().hasPrefix("https:") ?? false
    let signIn = SignIn(
      session, operators: operators, base: base, isSecure: isSecure, origin: settings.publicURL.flatMap(WebAddress.origin))

    let queries = SpanQueries(
      store: store.spans, strategy: settings.traceStrategy, clock: clock, logger: logger,
      sources: settings.sources.map(\.name), damage: damage, waitForProjection: waitForProjection)
    let deliveries = DeliveryReading(
      log: store.log, sources: settings.readers, setAside: { [state] in state.reasonSetAside($0) },
      unread: { UnreadValues(in: $0) })
    let decisions = OperatorLog(recorder, clock: clock)
    let exclusions = ExclusionService(facts: store.spans, queries: queries) { decisions.record($0) }
    let history = HistoryCache()

    var routes = secrets.sources.map { Route.webhook($0) } + Route.imports(of: secrets.importing)
    routes += Route.health(unreadiness: { [state] in state.unreadiness }, warnings: { [state] in state.warnings })
    routes.append(metricsRoute)
    routes += apiRoutes(queries, deliveries, exclusions, history, base: base)
    let dashboard = Dashboard(
      Dashboard.Inputs(
        queries: queries, deliveries: deliveries,
        reports: .init(
          facts: store.spans, settings: settings.reports.settings, zone: settings.reports.zone, waitForFacts: waitForFacts,
          isWorking: { isWorking }, history: history),
        exclusions: .init(
          exclusions, sessions: [session, operators].compactMap(\.self), operators: operators, isSecure: isSecure),
        arrival: { [state, activity] in
          HistoryArrival(unprojectedDeliveries: state.projectionLag, isImporting: activity.isImporting)
        }
      ) { [state, activity] in
        try state.dashboardStatus(start: start, activity: activity)
      }, base: base, signOutToken: { session?.formToken($0.headers) ?? operators?.formToken($0.headers) })
    routes += Route.pages(dashboard, signIn)
    if let mock { routes += mockRoutes(mock) }
    return Router(
      routes: routes, readToken: secrets.readToken, authenticator: authenticator, session: session,
      operators: OperatorAccess(token: secrets.operatorToken, session: operators, publicURL: settings.publicURL),
      signIn: signIn)
  }

  private var metricsRoute: Route {
    .handler(
      .exact("/metrics"), access: .openUnlessProtected, as: .metrics,
      MetricsHandler(
        families: { [state] in state.families },
        traces: ExemplarTraces(
          store: store.spans, strategy: settings.traceStrategy, gracePeriod: settings.gracePeriod, clock: clock),
        compress: Deflater.gzip
      ) {
        // After a crash, counters start at the state of the store until the rest of the log is projected. Wait, so that
        // they never show less than before. A follower shows only what it counts for itself.
        if leadership.work != nil { waitForProjection() }
        state.refreshGauges()
      })
  }

  private func apiRoutes(
    _ queries: SpanQueries, _ reading: DeliveryReading, _ exclusions: ExclusionService, _ history: HistoryCache, base: String
  ) -> [Route] {
    let stats = StatsHandler {
      waitForProjection()
      return try state.stats()
    }
    let spans = SpansHandler(queries)
    let traces = TracesHandler(queries)
    let jaeger = JaegerHandler(queries)
    let deliveries = DeliveriesHandler(reading, logger: logger)
    var answers: [(Route.Path, any HTTPHandler)] = [
      (.exact("/api/v1/stats"), stats),
      (.exact("/api/v1/spans"), spans), (.prefix(SpansHandler.prefix), spans),
      (.exact("/api/v1/traces"), traces), (.prefix(TracesHandler.prefix), traces),
      (.exact("/api/v1/deliveries"), deliveries), (.prefix(DeliveriesHandler.prefix), deliveries),
      (.exact("/api/v1/refusals"), RejectionsHandler(queries)), (.exact(OpenAPIHandler.path), OpenAPIHandler()),
    ]
    answers += JaegerHandler.paths.map { (.exact($0), jaeger) } + JaegerHandler.prefixes.map { (.prefix($0), jaeger) }
    var defaults = settings.reports
    defaults.base = base
    let reports = ReportQueries(
      facts: store.spans, store: store.spans, clock: clock, logger: logger, defaults: defaults, waitForFacts: waitForFacts,
      isWorking: { isWorking }, history: history)
    answers.append((.exact(HistoryHandler.path), HistoryHandler(reports)))
    answers.append((.exact(ExclusionsHandler.path), ExclusionsHandler(exclusions)))
    var routes = answers.map { Route.handler($0, access: .reading, as: .api, $1) }
    routes.append(
      .handler(.prefix(ReportHandler.prefix), access: .reading, as: .api, execution: .slow, ReportHandler(reports)))
    routes.append(
      .handler(
        .exact(OperatorHandler.path), methods: ["POST"], access: .operating, as: .api, OperatorHandler(exclusions)))
    return routes
  }

  private func mockRoutes(_ mock: MockTracer) -> [Route] {
    [
      .handler(.exact("/mocktracer/finished-spans"), access: .open, as: .mock, FinishedSpansHandler(tracer: mock)),
      .handler(
        .exact("/mocktracer/reset"), methods: ["GET", "POST"], access: .open, as: .mock,
        MockResetHandler {
          guard let leader = leadership.work else { return }
          leader.facts.reset {
            leader.projector.reset {
              (store.log as? MemoryDeliveryLog)?.removeAll()
              (store.spans as? MemorySpanStore)?.removeAll()
              leader.metrics.forgetSubjects()
              mock.removeAll()
            }
          }
          leader.gauges.wake()
        }),
    ]
  }
}
