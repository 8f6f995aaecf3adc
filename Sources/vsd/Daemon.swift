import DeliveryCounters
import Export
import Glibc
import Intake
import Leadership
import Mock
import Projection
import ValueStreamCore

/// Builds the parts of vsd, connects them, and runs them.
///
/// Each daemon takes deliveries, and answers pages and API. What only one of the daemons on a store does is in ``Leader``.
struct Daemon {
  private let settings: DaemonSettings
  private let reload: SecretReload
  private let secrets: CurrentSecrets
  private let logger: Logger
  private let store: OpenStore
  private let recorder: DeliveryRecorder
  private let leadership: Leadership<Leader>
  private let state: DaemonState
  private let server: HTTPServer

  /// Opens the store and builds the parts. Nothing listens yet.
  init(settings: DaemonSettings, reload: SecretReload, logger: Logger) throws {
    self.settings = settings
    self.reload = reload
    self.logger = logger
    let secrets = CurrentSecrets(settings.secrets)
    self.secrets = secrets
    let clock = SystemClock()
    let damageLines = LogThrottle()
    let damage = DamageReport { damage in
      guard let heldBack = damageLines.pass(damage.part.rawValue) else { return }
      logger.log(.error, "damaged, and passed over: \(damage)") { $0.member("similarBefore", heldBack) }
    }
    let store = try OpenStore(settings, damage, logger)
    self.store = store
    let recent = RecentDeliveries()
    let mock = settings.usesMockTracer ? MockTracer() : nil
    let watch = StoreWatch(store, settings: settings)
    let inputs = Leader.Inputs(
      settings: settings, store: store, damage: damage, mock: mock, healing: secrets.healing, clock: clock, logger: logger,
      recent: recent)
    let leadership = Leadership(lease: store.lease, logger: logger) {
      try watch.look()
    } make: {
      try Leader(inputs)
    }
    self.leadership = leadership
    if !settings.store.isShared { try leadership.leadNow() }

    // What this daemon counts for itself. Nobody else tells of it.
    let registry = MetricRegistry()
    let deliveries = leadership.work?.metrics.deliveries ?? IntakeMetrics.deliveries(in: registry, settings.sources.map(\.name))
    let activity = SourceActivity(
      IntakeMetrics(registry: registry, deliveries: deliveries, sources: settings.sources.map(\.name), logger: logger),
      clock: clock)
    recorder = try DeliveryRecorder(log: store.log, sink: CurrentLeader(leadership), recent: recent, observer: activity)
    state = DaemonState(
      store, recorder: recorder, leadership: leadership, watch: watch, registry: registry, settings: settings, clock: clock,
      damage: damage)
    let authenticator = try SystemMessageAuthenticator()
    let routes = DaemonRoutes(
      settings: settings, secrets: secrets, store: store, leadership: leadership, stored: watch.stored, state: state,
      recorder: recorder, activity: activity, authenticator: authenticator, damage: damage, mock: mock, clock: clock,
      logger: logger)
    var listeners = [HTTPServer.Listener(settings.address)]
    if let admin = settings.adminAddress { listeners.append(HTTPServer.Listener(admin, role: .admin)) }
    var limits = HTTPLimits()
    limits.bodyBytes = settings.maxBodyBytes
    limits.trustedProxies = settings.trustedProxies
    server = try HTTPServer(
      listeners: listeners, router: routes.router(), recorder: recorder, limits: limits, authenticator: authenticator,
      clock: clock, observer: activity)
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
    try await serve()
    store.spans.close()
    store.log.close()
    logger.info("stopped")
  }

  /// Runs intake and the work of a leader, and stops them in this order, so that the leader finishes what intake passed on.
  private func serve() async throws {
    async let recording: Void = recorder.run()
    async let leading: Void = leadership.run()
    // Cancelled when this function returns.
    async let _: Void = awaitWriting()
    defer { leadership.stop() }
    let served: Result<Void, any Error>
    do {
      served = .success(try await server.run())
    } catch {
      served = .failure(error)
    }
    recorder.finish()
    try await recording
    leadership.stop()
    try await leading
    try served.get()
  }

  /// If the store could only be opened for reading, retries until it can be written.
  private func awaitWriting() async {
    guard !settings.store.isShared, let obstacle = state.writeObstacle else { return }
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
}

/// Passes recorded deliveries to the projector while this daemon leads. Otherwise the leader finds them in the log.
private struct CurrentLeader: DeliverySink {
  private let leadership: Leadership<Leader>

  init(_ leadership: Leadership<Leader>) { self.leadership = leadership }

  func recorded(_ deliveries: [RecordedDelivery]) {
    leadership.work?.projector.recorded(deliveries)
  }
}
