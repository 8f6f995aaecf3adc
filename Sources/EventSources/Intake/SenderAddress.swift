import CMicrohttpd

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// An IP address as the 16 bytes of IPv6. An IPv4 address is stored as `::ffff:a.b.c.d`.
package struct SenderAddress: Sendable, Hashable {
  var high: UInt64
  var low: UInt64

  private static let v4Prefix: UInt64 = 0xFFFF << 32

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  init(v4 address: UInt32) {
    (high, low) = (0, Self.v4Prefix | UInt64(address))
  }

  /// Nil if the socket is neither IPv4 nor IPv6.
  init?(_ name: UnsafePointer<sockaddr>) {
    switch Int32(name.pointee.sa_family) {
    case AF_INET:
      let address = name.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr }
      self.init(v4: UInt32(bigEndian: address.s_addr))
    case AF_INET6:
      self.init(name.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { $0.pointee.sin6_addr })
    default: return nil
    }
  }

  /// Parses an address such as `192.0.2.7` or `2001:db8::7`; nil for other text.
  package init?(_ text: some StringProtocol) {
    let text = String(text)
    var v4 = in_addr()
    var v6 = in6_addr()
    if inet_pton(AF_INET, text, &v4) == 1 {
      self.init(v4: UInt32(bigEndian: v4.s_addr))
    } else if inet_pton(AF_INET6, text, &v6) == 1 {
      self.init(v6)
    } else {
      return nil
    }
  }

  private init(_ address: in6_addr) {
    (high, low) = withUnsafeBytes(of: address) { bytes in
      (
        UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
  }

  var isV4: Bool { high == 0 && low >> 32 == 0xFFFF }

  var isLoopback: Bool { isV4 ? low >> 24 & 0xFF == 127 : high == 0 && low == 1 }

  /// Returns the original sender of a request that this proxy forwarded.
  ///
  /// Each proxy appends the address of its client. Entries before the last untrusted address may be forged, so that
  /// address is the sender.
  ///
  /// - Parameter text: the value of the `X-Forwarded-For` header.
  /// - Returns: the last address that is not a trusted proxy; this address if there is none or an entry cannot be parsed.
  func sender(forwardedFor text: String, trusting proxies: [AddressRange]) -> SenderAddress {
    for name in text.split(separator: ",").reversed() {
      guard let forwarded = SenderAddress(name.drop { $0 == " " }.prefix { $0 != " " }) else { break }
      if !proxies.contains(where: { $0.contains(forwarded) }) { return forwarded }
    }
    return self
  }

  /// The address that limits count by. For IPv6 it is the /64 network, because a sender can use any address in it.
  var network: SenderAddress { isV4 || isLoopback ? self : SenderAddress(high: high, low: 0) }
}

/// A range of addresses with a common prefix, such as `10.0.0.0/8`, or a single address.
package struct AddressRange: Sendable, Hashable {
  private let first: SenderAddress
  private let highMask: UInt64
  private let lowMask: UInt64

  /// Nil if the text is not an address, or its prefix length is out of range.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = parts.first, let address = SenderAddress(name) else { return nil }
    var bits = 128
    if parts.count == 2 {
      guard let given = Int(parts[1]), (0...(address.isV4 ? 32 : 128)).contains(given) else { return nil }
      bits = address.isV4 ? given + 96 : given
    }
    highMask = bits >= 64 ? .max : ~(.max >> UInt64(bits))
    lowMask = bits >= 128 ? .max : bits <= 64 ? 0 : ~(.max >> UInt64(bits - 64))
    first = SenderAddress(high: address.high & highMask, low: address.low & lowMask)
  }

  package func contains(_ address: SenderAddress) -> Bool {
    address.high & highMask == first.high && address.low & lowMask == first.low
  }
}

/// Senders that recently sent a valid signature or token, by source. Use it only on the server's thread.
struct ProvedSenders {
  struct Sender: Hashable {
    var address: SenderAddress
    var source: String
  }

  private var times: [Sender: ContinuousClock.Instant] = [:]

  /// The largest number of entries; enough for all addresses that vendors send from.
  private static let limit = 4096
  private static let period = Duration.seconds(3600)

  mutating func add(_ sender: Sender, at now: ContinuousClock.Instant) {
    times[sender] = now
    guard times.count > Self.limit else { return }
    times = times.filter { $0.value.duration(to: now) < Self.period }
    if times.count > Self.limit { times = [sender: now] }
  }

  func contains(_ sender: Sender, at now: ContinuousClock.Instant) -> Bool {
    times[sender].map { $0.duration(to: now) < Self.period } ?? false
  }
}
