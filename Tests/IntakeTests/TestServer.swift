import Synchronization
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

/// A server on a free loopback port with a log in memory. It runs on its own threads, so tests may block.
final class TestServer: Sendable {
  struct Setup {
    var routes: [Route] = [.webhook(FakeSource())]
    var limits = HTTPLimits()
    var recorderLimits = DeliveryRecorder.Limits()
    var readToken: String?
    var address = "127.0.0.1:0"
    var adminAddress: String?
  }

  let log = FakeDeliveryLog()
  let sink = FakeDeliverySink()
  let observer = TestObserver()
  let recorder: DeliveryRecorder
  let server: HTTPServer
  let addresses: [ListenAddress]
  private let running = Atomic(2)

  init(_ setup: Setup = Setup()) throws {
    let authenticator = try SystemMessageAuthenticator()
    recorder = try DeliveryRecorder(
      log: log, sink: sink, recent: RecentDeliveries(), limits: setup.recorderLimits, observer: observer)
    var listeners = [HTTPServer.Listener(try ListenAddress(setup.address))]
    if let address = setup.adminAddress { listeners.append(HTTPServer.Listener(try ListenAddress(address), role: .admin)) }
    let router = Router(
      routes: setup.routes, readToken: setup.readToken.flatMap(Secret.init).map { CurrentSecret($0) },
      authenticator: authenticator)
    server = try HTTPServer(
      listeners: listeners, router: router, recorder: recorder, limits: setup.limits, authenticator: authenticator,
      observer: observer)
    addresses = try server.start()
    _ = OwnThread.start("test-log") {
      self.recorder.serve()
      self.running.subtract(1, ordering: .sequentiallyConsistent)
    }
    _ = OwnThread.start("test-http") {
      try? self.server.serve()
      self.recorder.finish()
      self.running.subtract(1, ordering: .sequentiallyConsistent)
    }
  }

  var port: UInt16 { addresses[0].port }

  func client() throws -> RawClient {
    try RawClient(port: port)
  }

  /// Stops the server gracefully and waits until its threads have ended.
  func stop() {
    server.stop()
    waitUntil { running.load(ordering: .sequentiallyConsistent) == 0 }
  }

  /// Runs a test against a new server and stops the server afterwards.
  static func run(_ setup: Setup = Setup(), _ body: (TestServer) throws -> Void) throws {
    let server = try TestServer(setup)
    defer {
      server.log.open()
      server.stop()
    }
    try body(server)
  }
}

/// An observer that records what the server reports.
final class TestObserver: IntakeObserver {
  struct Heard {
    var results: [DeliveryResult] = []
    var unauthenticated: [AuthenticationError.Code] = []
    var commits: [Int] = []
    var failedCommits = 0
    var answers: [RouteClass: [Int]] = [:]
    var limits: [IntakeLimit] = []
    var unread: [String] = []
  }

  private let state = Mutex(Heard())

  var heard: Heard { state.withLock(\.self) }

  func delivery(_ result: DeliveryResult, from source: String) {
    state.withLock { $0.results.append(result) }
  }

  func unauthenticated(_ error: AuthenticationError, from source: String) {
    state.withLock { $0.unauthenticated.append(error.code) }
  }

  func committed(deliveries: Int, seconds: Double) {
    state.withLock { $0.commits.append(deliveries) }
  }

  func commitFailed(_ error: any Error, deliveries: Int) {
    state.withLock { $0.failedCommits += 1 }
  }

  func limited(_ limit: IntakeLimit) {
    state.withLock { $0.limits.append(limit) }
  }

  func unreadValues(_ count: Int, paths: [String], from source: String) {
    state.withLock { $0.unread += paths }
  }

  func answered(_ status: Int, on route: RouteClass) {
    state.withLock { $0.answers[route, default: []].append(status) }
  }
}
