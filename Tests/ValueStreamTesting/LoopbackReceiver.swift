import Synchronization
package import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// An HTTP server on this machine that gives each request the answer that a test wants.
package final class LoopbackReceiver: Sendable {
  package enum Answer: Sendable {
    case response(HTTPResponse)
    /// Sends the response byte by byte, with a pause of a millisecond after each byte.
    case slowly(HTTPResponse)
    /// Sends nothing until the client gives up.
    case hang
    /// Sends half of the response, then resets the connection.
    case resetWithin(HTTPResponse)
    /// Closes the connection without sending anything.
    case close

    package static func status(_ status: Int, _ headers: HTTPHeaders = [:], _ body: String = "") -> Answer {
      .response(HTTPResponse(status: status, headers: headers, body: Array(body.utf8)))
    }
  }

  package struct Request: Sendable {
    package var method: String
    package var target: String
    package var headers: HTTPHeaders
    package var body: [UInt8]
    /// The number of the connection, from 1.
    package var connection: Int
  }

  /// What the threads of listener and connections use, also after the receiver is gone.
  private final class Shared: Sendable {
    let state = Mutex(State())

    /// Closes a connection.
    func end(_ number: Int, _ descriptor: Int32) {
      state.withLock { _ = $0.connections.removeValue(forKey: number) }
      close(descriptor)
    }
  }

  private struct State {
    var listener: Int32 = -1
    var connections: [Int: Int32] = [:]
    var connectionCount = 0
    var requests: [Request] = []
  }

  private let reserved: ReservedPort
  private let shared = Shared()
  private let answer: @Sendable (Int, Request) -> Answer

  /// - Parameter answer: returns the answer to a request. It gets the number of the request, from 0, and runs on the
  ///   thread of the connection.
  package init(_ answer: @escaping @Sendable (Int, Request) -> Answer) throws {
    self.answer = answer
    reserved = try ReservedPort()
    try comeBack()
  }

  /// Gives these answers in order, then repeats the last one.
  package convenience init(_ answers: [Answer]) throws {
    try self.init { number, _ in answers[min(number, answers.count - 1)] }
  }

  deinit {
    goAway()
  }

  package struct Failure: Error, CustomStringConvertible {
    package var description: String

    fileprivate init(_ what: String) { description = "loopback receiver: \(what): \(String(cString: strerror(errno)))" }
  }

  package var port: UInt16 { reserved.number }
  package var url: String { "http://127.0.0.1:\(port)" }

  /// All requests so far.
  package var requests: [Request] { shared.state.withLock(\.requests) }

  /// The number of open connections.
  package var connectionCount: Int { shared.state.withLock(\.connections.count) }

  /// Closes all connections and stops listening, so that new connections fail.
  package func goAway() {
    // The shutdown wakes the threads that use these sockets. They remove a socket from the state before they close it, so that it
    // belongs to nobody else here.
    shared.state.withLock { state in
      for descriptor in state.connections.values { shutdown(descriptor, Int32(SHUT_RDWR)) }
      if state.listener >= 0 { shutdown(state.listener, Int32(SHUT_RDWR)) }
      state.listener = -1
    }
  }

  /// Listens on the same port again.
  package func comeBack() throws {
    let listener = LoopbackSocket.open()
    guard LoopbackSocket.bind(listener, port: port) != nil, listen(listener, 64) == 0 else {
      close(listener)
      throw Failure("cannot listen")
    }
    shared.state.withLock { $0.listener = listener }
    let isStarted = OwnThread.start { [weak self, shared] in
      while case let descriptor = accept(listener, nil, nil), descriptor >= 0 {
        guard let self else {
          close(descriptor)
          break
        }
        serve(descriptor)
      }
      shared.state.withLock { if $0.listener == listener { $0.listener = -1 } }
      close(listener)
    }
    if !isStarted {
      shared.state.withLock { $0.listener = -1 }
      close(listener)
      throw Failure("no thread")
    }
  }

  private func serve(_ descriptor: Int32) {
    let number = shared.state.withLock { state in
      state.connectionCount += 1
      state.connections[state.connectionCount] = descriptor
      return state.connectionCount
    }
    let isStarted = OwnThread.start { [weak self, shared] in
      var reader = LoopbackRequestReader(descriptor: descriptor)
      while var request = reader.next() {
        guard let self else { break }
        request.connection = number
        let (index, request) = (keep(request), request)
        guard LoopbackSocket.give(answer(index, request), on: descriptor) else { break }
      }
      shared.end(number, descriptor)
    }
    if !isStarted { shared.end(number, descriptor) }
  }

  private func keep(_ request: Request) -> Int {
    shared.state.withLock { state in
      state.requests.append(request)
      return state.requests.count - 1
    }
  }
}

/// A port on this machine that the system gives to nobody else.
///
/// A server that asks for it by number can start and stop freely.
package final class ReservedPort: Sendable {
  package let number: UInt16
  /// A socket that is bound to the port but never listens.
  private let descriptor: Int32

  package init() throws {
    descriptor = LoopbackSocket.open()
    guard let number = LoopbackSocket.bind(descriptor, port: 0) else { throw LoopbackReceiver.Failure("no port") }
    self.number = number
  }

  deinit {
    close(descriptor)
  }
}

private enum LoopbackSocket {
  static func open() -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    return descriptor
  }

  /// Binds a socket to a port on 127.0.0.1.
  ///
  /// - Parameter port: 0 for any free port.
  /// - Returns: the port; nil if it is not available.
  static func bind(_ descriptor: Int32, port: UInt16) -> UInt16? {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    inet_pton(AF_INET, "127.0.0.1", &name.sin_addr)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        Self.system(bind: descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
      }
    }
    return isBound ? UInt16(bigEndian: name.sin_port) : nil
  }

  private static func system(bind descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
    #if canImport(Glibc)
      Glibc.bind(descriptor, address, length)
    #else
      Musl.bind(descriptor, address, length)
    #endif
  }

  /// Sends an answer.
  ///
  /// - Returns: false if the connection must be closed.
  static func give(_ answer: LoopbackReceiver.Answer, on descriptor: Int32) -> Bool {
    switch answer {
    case .response(let response): return send(bytes(response)[...], on: descriptor)
    case .slowly(let response):
      for byte in bytes(response) {
        guard send([byte], on: descriptor) else { return false }
        usleep(1000)
      }
      return true
    case .hang:
      var byte: UInt8 = 0
      while recv(descriptor, &byte, 1, 0) > 0 {}
      return false
    case .resetWithin(let response):
      let bytes = bytes(response)
      _ = send(bytes.prefix(bytes.count / 2), on: descriptor)
      var now = linger(l_onoff: 1, l_linger: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
      return false
    case .close: return false
    }
  }

  private static func bytes(_ response: HTTPResponse) -> [UInt8] {
    var head = "HTTP/1.1 \(response.status) as told\r\nContent-Length: \(response.body.count)\r\n"
    for field in response.headers.fields { head += "\(field.name): \(field.value)\r\n" }
    return Array((head + "\r\n").utf8) + response.body
  }

  private static func send(_ bytes: ArraySlice<UInt8>, on descriptor: Int32) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write($0, to: descriptor) }
      if count <= 0 { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int {
    #if canImport(Glibc)
      Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    #else
      Musl.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    #endif
  }
}

/// Reads one request after another from a connection.
private struct LoopbackRequestReader {
  let descriptor: Int32
  private var buffer: [UInt8] = []

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// Returns the next request; nil at the end of the connection.
  mutating func next() -> LoopbackReceiver.Request? {
    while headEnd == nil {
      guard fill() else { return nil }
    }
    guard let end = headEnd else { return nil }
    let lines = String(decoding: buffer[..<end], as: UTF8.self).split(separator: "\r\n").map(String.init)
    buffer.removeFirst(end + 4)
    let words = lines.first?.split(separator: " ").map(String.init) ?? []
    var headers = HTTPHeaders()
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let value = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
      headers.fields.append(HTTPHeaders.Field(name: String(parts[0]), value: value))
    }
    let length = headers["Content-Length"].flatMap { Int($0) } ?? 0
    while buffer.count < length {
      guard fill() else { return nil }
    }
    defer { buffer.removeFirst(length) }
    return LoopbackReceiver.Request(
      method: words.first ?? "", target: words.dropFirst().first ?? "", headers: headers, body: Array(buffer.prefix(length)),
      connection: 0)
  }

  private var headEnd: Int? {
    guard buffer.count >= 4 else { return nil }
    return (0...(buffer.count - 4)).first { buffer[$0..<$0 + 4].elementsEqual([13, 10, 13, 10]) }
  }

  private mutating func fill() -> Bool {
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    let count = recv(descriptor, &piece, piece.count, 0)
    if count > 0 { buffer += piece.prefix(count) }
    return count > 0
  }
}
