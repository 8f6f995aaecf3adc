import CZlib

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A TCP connection that sends exactly the bytes that a test gives it.
final class RawClient {
  struct Response: Equatable {
    var status: Int
    var headers: [String: String]
    var body: String
    /// The bytes of the body, which need not be text.
    var bytes: [UInt8]
  }

  struct Failure: Error {
    var reason: String
  }

  private let descriptor: Int32
  private var buffer: [UInt8] = []

  init(port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    inet_pton(AF_INET, "127.0.0.1", &name.sin_addr)
    let isConnected = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    if !isConnected { throw Failure(reason: "cannot connect: \(String(cString: strerror(errno)))") }
  }

  deinit {
    close(descriptor)
  }

  func send(_ text: String) throws {
    try send(Array(text.utf8))
  }

  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count <= 0 { throw Failure(reason: "cannot send: \(String(cString: strerror(errno)))") }
      rest = rest.dropFirst(count)
    }
  }

  /// Sends a complete request.
  func request(_ method: String, _ path: String, headers: [String] = ["Host: localhost"], body: String? = nil) throws {
    try send(Self.text(method, path, headers: headers, body: body))
  }

  static func text(_ method: String, _ path: String, headers: [String] = ["Host: localhost"], body: String? = nil) -> String {
    var lines = ["\(method) \(path) HTTP/1.1"] + headers
    if let body { lines.append("Content-Length: \(body.utf8.count)") }
    return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
  }

  /// Reads the next response.
  ///
  /// - Parameter isToHead: True for a response to HEAD, which has no body whatever its headers say.
  func response(isToHead: Bool = false) throws -> Response {
    var end = headerEnd
    while end == nil {
      guard try fill() else { throw Failure(reason: "closed before a response") }
      end = headerEnd
    }
    guard let end else { throw Failure(reason: "no headers") }
    let lines = String(decoding: buffer[..<end], as: UTF8.self).split(separator: "\r\n")
    buffer.removeFirst(end + 4)
    let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
    }
    let length = isToHead ? 0 : headers["content-length"].flatMap { Int($0) } ?? 0
    while buffer.count < length {
      guard try fill() else { throw Failure(reason: "closed within a body") }
    }
    let bytes = Array(buffer.prefix(length))
    buffer.removeFirst(length)
    return Response(status: status ?? 0, headers: headers, body: String(decoding: bytes, as: UTF8.self), bytes: bytes)
  }

  /// Waits for the server to close the connection. Returns false if another byte arrives first.
  func isClosed() throws -> Bool {
    try buffer.isEmpty && !fill()
  }

  /// True if data can be read now. Does not wait.
  var hasInput: Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return !buffer.isEmpty || poll(&entry, 1, 0) > 0
  }

  private var headerEnd: Int? {
    guard buffer.count >= 4 else { return nil }
    return (0...(buffer.count - 4)).first { buffer[$0..<$0 + 4].elementsEqual([13, 10, 13, 10]) }
  }

  /// Waits for data and appends it to the buffer. Returns false if the server closed the connection.
  private func fill() throws -> Bool {
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    let count = recv(descriptor, &piece, piece.count, 0)
    if count > 0 { buffer += piece.prefix(count) }
    if count >= 0 { return count > 0 }
    if errno == ECONNRESET { return false }
    throw Failure(reason: "nothing to read: \(String(cString: strerror(errno)))")
  }
}

/// Compresses bytes in gzip format, as senders do.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
  var stream = z_stream()
  guard
    deflateInit2_(
      &stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  else { return [] }
  defer { deflateEnd(&stream) }
  var input = bytes
  return [UInt8](unsafeUninitializedCapacity: Int(deflateBound(&stream, UInt(bytes.count)))) { output, count in
    input.withUnsafeMutableBufferPointer { input in
      stream.next_in = input.baseAddress
      stream.avail_in = UInt32(input.count)
      stream.next_out = output.baseAddress
      stream.avail_out = UInt32(output.count)
      deflate(&stream, Z_FINISH)
      count = output.count - Int(stream.avail_out)
    }
  }
}
