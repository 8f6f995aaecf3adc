import CMicrohttpd

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One listener: a libmicrohttpd daemon without a thread, driven by the ``ServerLoop``.
///
/// This type and the loop avoid three traps of the library. Stopping with a suspended connection aborts the process. A
/// response queued in the first call for a request closes the connection. No response can be queued while a body arrives.
final class ListenerDaemon {
  let socket: ListeningSocket
  let table: RouteTable
  private unowned let loop: ServerLoop
  private var daemon: OpaquePointer?
  private(set) var epollDescriptor: Int32 = -1
  /// The number of open connections, without those that the server is closing. The loop keeps the count.
  var connectionCount = 0
  /// True if the daemon has work although its descriptor does not signal any.
  var isDue = true

  /// The buffer of a connection in bytes. 32 KiB hold a delivery of ordinary size, so that one read suffices.
  private static let connectionMemory = 32 << 10

  init(_ socket: ListeningSocket, table: RouteTable, loop: ServerLoop, limits: HTTPLimits) throws(IntakeError) {
    self.socket = socket
    self.table = table
    self.loop = loop
    var configuration = vs_mhd_configuration(
      listen_socket: socket.descriptor,
      connection_limit: UInt32(clamping: limits.connections + limits.reservedConnections),
      idle_seconds: UInt32(clamping: max(1, limits.idle.components.seconds)), connection_memory: Self.connectionMemory,
      context: Unmanaged.passUnretained(self).toOpaque(), handle_request: Self.handleRequest,
      request_completed: Self.requestCompleted, connection_changed: Self.connectionChanged)
    guard let daemon = vs_mhd_start(&configuration) else {
      throw IntakeError("libmicrohttpd cannot serve \(socket.address)")
    }
    self.daemon = daemon
    epollDescriptor = vs_mhd_epoll_descriptor(daemon)
  }

  /// Does the pending work.
  ///
  /// - Returns: milliseconds to the next time-out; 0 if work is left, -1 if there is no time-out.
  func run() -> Int32 {
    isDue = false
    var wait: UInt64 = 0
    // A turn that queues a response does not send it, so several turns are needed.
    for _ in 0..<8 {
      MHD_run(daemon)
      guard MHD_get_timeout(daemon, &wait) == .YES else { return -1 }
      if wait > 0 { break }
    }
    return Int32(clamping: wait)
  }

  /// Accepts connections that wait already, then closes the listening socket.
  func stopAccepting() {
    var entry = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
    for _ in 0..<64 where poll(&entry, 1, 0) > 0 { _ = run() }
    if MHD_quiesce_daemon(daemon) >= 0 { socket.close() }
    isDue = true
  }

  /// Closes all remaining connections. No request may be suspended.
  func stop() {
    MHD_stop_daemon(daemon)
    daemon = nil
  }

  // MARK: Callbacks

  private static let handleRequest: MHD_AccessHandlerCallback = {
    context, connection, url, method, _, data, size, requestContext in
    guard let context, let connection, let url, let method, let size, let requestContext else { return .NO }
    let listener = Unmanaged<ListenerDaemon>.fromOpaque(context).takeUnretainedValue()
    guard let known = requestContext.pointee else {
      guard let linkContext = vs_mhd_socket_context(connection) else { return .NO }
      let link = Unmanaged<ConnectionLink>.fromOpaque(linkContext).takeUnretainedValue()
      let request = listener.loop.begin(
        connection, link, method: String(cString: method), path: String(cString: url))
      requestContext.pointee = Unmanaged.passRetained(request).toOpaque()
      return listener.loop.answersEarly(request) ? listener.loop.queueAnswer(of: request) : .YES
    }
    let request = Unmanaged<RequestContext>.fromOpaque(known).takeUnretainedValue()
    if size.pointee > 0, let data {
      let count = size.pointee
      size.pointee = 0
      return data.withMemoryRebound(to: UInt8.self, capacity: count) { bytes in
        listener.loop.receive(UnsafeBufferPointer(start: bytes, count: count), for: request) ? .YES : .NO
      }
    }
    if request.answer == nil { listener.loop.work(on: request) }
    return request.answer == nil ? .YES : listener.loop.queueAnswer(of: request)
  }

  private static let requestCompleted: MHD_RequestCompletedCallback = { context, _, requestContext, _ in
    guard let context, let requestContext, let known = requestContext.pointee else { return }
    requestContext.pointee = nil
    let request = Unmanaged<RequestContext>.fromOpaque(known).takeRetainedValue()
    Unmanaged<ListenerDaemon>.fromOpaque(context).takeUnretainedValue().loop.end(request)
  }

  private static let connectionChanged: MHD_NotifyConnectionCallback = { context, connection, linkContext, change in
    guard let context, let connection, let linkContext else { return }
    let listener = Unmanaged<ListenerDaemon>.fromOpaque(context).takeUnretainedValue()
    if change == .CONNECTION_NOTIFY_STARTED {
      let address = vs_mhd_peer(connection).flatMap { SenderAddress($0) }
      let link = listener.loop.open(socket: vs_mhd_socket(connection), address: address, of: listener)
      linkContext.pointee = Unmanaged.passRetained(link).toOpaque()
    } else if let known = linkContext.pointee {
      linkContext.pointee = nil
      listener.loop.close(Unmanaged<ConnectionLink>.fromOpaque(known).takeRetainedValue())
    }
  }
}
