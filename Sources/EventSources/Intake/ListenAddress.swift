#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// An address to listen on: `127.0.0.1:5000`, `[::1]:5000`, `localhost:5000`, or `:5000` for every interface.
package struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
  package enum Host: Sendable, Hashable {
    /// Every interface, over IPv6 and IPv4.
    case any
    /// An IPv4 address, as text.
    case v4(String)
    /// An IPv6 address, as text without brackets.
    case v6(String)
  }

  package var host: Host
  /// 0 lets the system choose a port.
  package var port: UInt16

  package init(host: Host, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Parses an address. `localhost` means 127.0.0.1; other names are not resolved.
  ///
  /// - Throws: ``ListenError`` with code `malformedAddress`.
  package init(_ text: String) throws(ListenError) {
    func failure(_ reason: String) -> ListenError {
      ListenError(
        .malformedAddress,
        "\"\(text)\" is not an address to listen on: \(reason) (expected 127.0.0.1:5000, [::1]:5000, localhost:5000 or :5000)")
    }
    guard let colon = text.lastIndex(of: ":") else { throw failure("no port") }
    let hostText = text[..<colon]
    let digits = text[text.index(after: colon)...]
    guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let port = UInt16(digits) else {
      throw failure("the port must be a number from 0 to 65535")
    }
    self.port = port
    if hostText.isEmpty {
      host = .any
    } else if hostText == "localhost" {
      host = .v4("127.0.0.1")
    } else if hostText.hasPrefix("["), hostText.hasSuffix("]") {
      let address = String(hostText.dropFirst().dropLast())
      var parsed = in6_addr()
      guard inet_pton(AF_INET6, address, &parsed) == 1 else { throw failure("no IPv6 address within the brackets") }
      host = .v6(address)
    } else {
      var parsed = in_addr()
      guard inet_pton(AF_INET, String(hostText), &parsed) == 1 else {
        throw failure(hostText.contains(":") ? "an IPv6 address needs brackets" : "the host must be an IP address or localhost")
      }
      host = .v4(String(hostText))
    }
  }

  /// True if only this machine can connect.
  package var isLoopback: Bool {
    switch host {
    case .any: return false
    case .v4(let address): return address.hasPrefix("127.")
    case .v6(let address):
      var parsed = in6_addr()
      var loopback = in6addr_loopback
      guard inet_pton(AF_INET6, address, &parsed) == 1 else { return false }
      return memcmp(&parsed, &loopback, MemoryLayout<in6_addr>.size) == 0
    }
  }

  /// The address in the form that ``init(_:)`` accepts.
  package var description: String {
    switch host {
    case .any: ":\(port)"
    case .v4(let address): "\(address):\(port)"
    case .v6(let address): "[\(address)]:\(port)"
    }
  }
}

/// The reason why vsd cannot listen on an address.
package struct ListenError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    case malformedAddress
    /// Another process listens on the address.
    case inUse
    /// The process may not use the port, or the address does not belong to this machine.
    case refused
  }

  package var code: Code
  /// One line for the user.
  package var description: String

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
