#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A bound socket that listens. Connections wait in the backlog until they are accepted.
struct ListeningSocket: Sendable {
  let descriptor: Int32
  /// The bound address, with the port that the system chose.
  let address: ListenAddress

  private static let backlog: Int32 = 1024

  init(_ address: ListenAddress) throws(ListenError) {
    let (socket, port): (Int32, UInt16)
    switch address.host {
    case .v4(let host): (socket, port) = try Self.bindV4(host, address)
    case .v6(let host): (socket, port) = try Self.bindV6(host, address, alsoV4: false)
    case .any:
      // Fall back to IPv4 if the kernel has no IPv6.
      if let bound = try Self.withoutFamily({ () throws(ListenError) in try Self.bindV6("::", address, alsoV4: true) }) {
        (socket, port) = bound
      } else {
        (socket, port) = try Self.bindV4("0.0.0.0", address)
      }
    }
    descriptor = socket
    self.address = ListenAddress(host: address.host, port: port)
  }

  func close() {
    _ = shutdown(descriptor, Int32(SHUT_RDWR))
    closeDescriptor(descriptor)
  }

  private static func withoutFamily(
    _ bind: () throws(ListenError) -> (Int32, UInt16)
  ) throws(ListenError) -> (Int32, UInt16)? {
    let probe = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
    guard probe >= 0 else { return nil }
    closeDescriptor(probe)
    return try bind()
  }

  private static func bindV4(_ host: String, _ address: ListenAddress) throws(ListenError) -> (Int32, UInt16) {
    let descriptor = try open(AF_INET, address)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = address.port.bigEndian
    inet_pton(AF_INET, host, &name.sin_addr)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
        bind(descriptor, name, size) == 0 && listen(descriptor, backlog) == 0 && getsockname(descriptor, name, &size) == 0
      }
    }
    guard isListening else { throw failure(address, closing: descriptor) }
    return (descriptor, UInt16(bigEndian: name.sin_port))
  }

  private static func bindV6(
    _ host: String, _ address: ListenAddress, alsoV4: Bool
  ) throws(ListenError) -> (Int32, UInt16) {
    let descriptor = try open(AF_INET6, address)
    set(IPV6_V6ONLY, alsoV4 ? 0 : 1, level: Int32(IPPROTO_IPV6), of: descriptor)
    var name = sockaddr_in6()
    name.sin6_family = sa_family_t(AF_INET6)
    name.sin6_port = address.port.bigEndian
    inet_pton(AF_INET6, host, &name.sin6_addr)
    var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let isListening = withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
        bind(descriptor, name, size) == 0 && listen(descriptor, backlog) == 0 && getsockname(descriptor, name, &size) == 0
      }
    }
    guard isListening else { throw failure(address, closing: descriptor) }
    return (descriptor, UInt16(bigEndian: name.sin6_port))
  }

  private static func open(_ family: Int32, _ address: ListenAddress) throws(ListenError) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(family, kind, 0)
    guard descriptor >= 0 else { throw failure(address, closing: -1) }
    // Allows a restart while connections of the previous process linger.
    set(SO_REUSEADDR, 1, level: SOL_SOCKET, of: descriptor)
    return descriptor
  }

  private static func set(_ option: Int32, _ value: Int32, level: Int32, of descriptor: Int32) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  private static func failure(_ address: ListenAddress, closing descriptor: Int32) -> ListenError {
    let code = errno
    if descriptor >= 0 { closeDescriptor(descriptor) }
    if code == EADDRINUSE {
      return ListenError(.inUse, "cannot listen on \(address): another program listens there")
    }
    return ListenError(.refused, "cannot listen on \(address): \(String(cString: strerror(code)))")
  }
}

private func closeDescriptor(_ descriptor: Int32) {
  close(descriptor)
}
