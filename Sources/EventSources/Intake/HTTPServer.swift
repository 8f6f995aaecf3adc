import Synchronization
package import ValueStreamCore

/// The HTTP server for deliveries, pages, API and metrics: one thread for any number of listeners.
///
/// The server's thread receives, authenticates and parses deliveries, passes them to the ``DeliveryRecorder`` in batches,
/// and answers them once they are on disk. Large bodies and handlers that may block run on a few other threads.
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

  /// Creates a server. Call ``start()``, then ``run()``.
  ///
  /// - Parameters:
  ///   - listeners: one listener, or one open and one admin listener.
  ///   - recorder: must run as long as the server does. Finish it after the server.
  ///   - authenticator: computes the hashes that sources check signatures with.
  ///   - clock: gives the time of receipt.
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

  /// The number of open connections.
  package var connectionCount: Int { shared.connectionCount.load(ordering: .relaxed) }

  /// Binds all listeners. Connections wait until ``run()``.
  ///
  /// - Returns: the bound address of each listener, in order. Port 0 is replaced by the port that the system chose.
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

  /// Serves until ``stop()`` is called, and returns once requests in flight are answered or ``HTTPLimits/drain`` has
  /// passed.
  ///
  /// Cancelling the task also stops the server.
  ///
  /// - Throws: an error if the system provides no thread or libmicrohttpd does not start.
  package func run() async throws {
    try await withTaskCancellationHandler {
      try await OwnThread.run("vs-http") { try self.serve() }
    } onCancel: {
      stop()
    }
  }

  /// Does the work of ``run()`` on the calling thread, and blocks it.
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

  /// Stops accepting connections, lets requests in flight finish, and ends ``run()``. Any thread may call this.
  package func stop() {
    shared.isStopping.store(true, ordering: .releasing)
    shared.inbox.signal.notify()
  }
}
