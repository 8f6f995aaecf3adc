#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A keep-alive HTTP/1.1 connection to a server on this machine.
package final class HTTPConnection {
  package struct Response: Equatable {
    package var status: Int
    /// Header values by lowercase name.
    package var headers: [String: String]
    package var body: String
  }

  private let descriptor: Int32
  private var buffer: [UInt8] = []

  package init(to host: String = "127.0.0.1", port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    inet_pton(AF_INET, host, &name.sin_addr)
    let isConnected = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    if !isConnected { throw TestFailure("cannot connect: \(String(cString: strerror(errno)))") }
  }

  deinit {
    close(descriptor)
  }

  /// Sends a request and reads the response.
  package func request(_ method: String, _ path: String, headers: [String: String] = [:], body: String? = nil) throws -> Response
  {
    var lines = ["\(method) \(path) HTTP/1.1"]
    if headers["Host"] == nil { lines.append("Host: localhost") }
    lines += headers.map { "\($0.key): \($0.value)" }
    if let body { lines.append("Content-Length: \(body.utf8.count)") }
    try send(lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? ""))
    return try response(isToHead: method == "HEAD")
  }

  package func send(_ text: String) throws {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write($0) }
      if count <= 0 { throw TestFailure("cannot send: \(String(cString: strerror(errno)))") }
      rest = rest.dropFirst(count)
    }
  }

  /// Reads the next response.
  package func response(isToHead: Bool = false) throws -> Response {
    let header = try take { Self.end(of: $0) }
    let lines = header.split(separator: "\r\n").map(String.init)
    guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
      throw TestFailure("not an answer: \(header)")
    }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
    }
    if headers["transfer-encoding"] == "chunked" { return Response(status: status, headers: headers, body: try takeChunks()) }
    let length = isToHead ? 0 : headers["content-length"].flatMap { Int($0) } ?? 0
    let body = try take { $0.count >= length ? length : nil }
    return Response(status: status, headers: headers, body: body)
  }

  /// Reads a chunked body.
  private func takeChunks() throws -> String {
    var body = ""
    while true {
      let line = try take { bytes in bytes.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } }
      guard let length = Int(line.prefix { $0.isHexDigit }, radix: 16) else { throw TestFailure("not a chunk: \(line)") }
      body += try take { $0.count >= length + 2 ? length + 2 : nil }.dropLast(1)
      if length == 0 { return body }
    }
  }

  /// Reads until `end` returns the length of a complete part, and removes that part from the buffer.
  private func take(_ end: ([UInt8]) -> Int?) throws -> String {
    while true {
      if let count = end(buffer) {
        defer { buffer.removeFirst(count) }
        return String(decoding: buffer.prefix(count), as: UTF8.self)
      }
      var piece = [UInt8](repeating: 0, count: 64 << 10)
      let count = recv(descriptor, &piece, piece.count, 0)
      if count == 0 { throw TestFailure("closed before the end of an answer") }
      if count < 0 { throw TestFailure("cannot read: \(String(cString: strerror(errno)))") }
      buffer += piece.prefix(count)
    }
  }

  /// The length of the header, including the empty line; nil if it is incomplete.
  private static func end(of bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4 else { return nil }
    return (4...bytes.count).first { bytes[($0 - 4)..<$0].elementsEqual([13, 10, 13, 10]) }
  }

  private func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    #if canImport(Glibc)
      Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    #else
      Musl.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    #endif
  }
}
