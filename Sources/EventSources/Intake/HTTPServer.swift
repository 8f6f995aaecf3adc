import Synchronization
package import ValueStreamCore

/// The server for deliveries, pages, API and metrics: one thread, any number of listeners.
///
/// Deliveries are read, believed and understood on the server's thread, handed to the ``DeliveryRecorder`` in batches, and
/// answered when they are on disk. Pages and API are answered by a few threads that may block.
package final class HTTPServer: Sendable {
  package struct Listener: Sendable {
    package var address: ListenAddress
    package var role: ListenerRole

    package init(_ address: ListenAddress, role: ListenerRole = .open) {
      self.address = address
      self.role = role
    }
  }

  private let listeners: [Listener]
  private let router: Router
  private let recorder: DeliveryRecorder
  private let limits: HTTPLimits
  private let intake: WebhookIntake
  private let observer: any IntakeObserver
  private let shared: ServerLoop.Shared
  private let sockets = Mutex<[ListeningSocket]>([])

  /// - Parameters:
  ///   - listeners: one, or one open and one admin listener.
  ///   - recorder: must run as long as the server does, and be finished after it.
  ///   - authenticator: what sources check signatures with.
  ///   - clock: the time of receipt.
  package init(
    listeners: [Listener], router: Router, recorder: DeliveryRecorder, limits: HTTPLimits = HTTPLimits(),
    authenticator: any MessageAuthenticator, clock: any WallClock = SystemClock(), observer: any IntakeObserver = NoObserver()
  ) throws(IntakeError) {
    self.listeners = listeners
    self.router = router
    self.recorder = recorder
    self.limits = limits
    self.observer = observer
    intake = WebhookIntake(authenticator: authenticator, clock: clock)
    shared = try ServerLoop.Shared()
  }

  deinit {
    for socket in sockets.withLock(\.self) { socket.close() }
  }

  /// Open connections.
  package var connectionCount: Int { shared.connectionCount.load(ordering: .relaxed) }

  /// Binds all listeners. Connections wait until ``run()``.
  ///
  /// - Returns: where each is bound, in order; port 0 is replaced by the port the system chose.
  package func start() throws(ListenError) -> [ListenAddress] {
    var bound: [ListeningSocket] = []
    do throws(ListenError) {
      for listener in listeners { bound.append(try ListeningSocket(listener.address)) }
    } catch {
      for socket in bound { socket.close() }
      throw error
    }
    let sockets = bound
    self.sockets.withLock { $0 = sockets }
    return sockets.map(\.address)
  }

  /// Serves until ``stop()``, and returns when requests in flight are answered. Cancelling stops too.
  ///
  /// - Throws: when the system gives no thread or the library does not start.
  package func run() async throws {
    try await withTaskCancellationHandler {
      try await OwnThread.run("vs-http") { try self.serve() }
    } onCancel: {
      stop()
    }
  }

  /// The same on the calling thread.
  func serve() throws(IntakeError) {
    let bound = sockets.withLock { sockets in
      defer { sockets = [] }
      return sockets
    }
    let hasAdminListener = listeners.contains { $0.role == .admin }
    let served = zip(bound, listeners).map { socket, listener in
      let isLoopback = socket.address.isLoopback
      return (socket, router.table(for: listener.role, isLoopback: isLoopback, hasAdminListener: hasAdminListener))
    }
    var limits = limits
    limits.connections = OpenFiles.connections(
      limits.connections, reserved: limits.reservedConnections, listeners: listeners.count)
    let loop = try ServerLoop(
      sockets: served, limits: limits, intake: intake, recorder: recorder, observer: observer, shared: shared)
    loop.run()
  }

  /// Accepts no more connections, lets requests in flight be answered, and ends ``run()``. May be called from any thread.
  package func stop() {
    shared.isStopping.store(true, ordering: .releasing)
    shared.inbox.signal.notify()
  }
}
