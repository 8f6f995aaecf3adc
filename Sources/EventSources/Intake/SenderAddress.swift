import CMicrohttpd

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// An IP address as the sixteen bytes of IPv6; one of IPv4 as `::ffff:a.b.c.d`.
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

  /// Nil for a socket that is none of the internet's.
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

  /// Reads `192.0.2.7` or `2001:db8::7`.
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

  /// Who sent what this proxy passed on.
  ///
  /// Every proxy adds who asked it: what stands before the last that is not trusted may be invented.
  ///
  /// - Parameter text: of the header `X-Forwarded-For`.
  func sender(forwardedFor text: String, trusting proxies: [AddressRange]) -> SenderAddress {
    for name in text.split(separator: ",").reversed() {
      guard let forwarded = SenderAddress(name.drop { $0 == " " }.prefix { $0 != " " }) else { break }
      if !proxies.contains(where: { $0.contains(forwarded) }) { return forwarded }
    }
    return self
  }

  /// What limits are counted for: of IPv6 the network, because every sender has as many addresses there as it likes.
  var network: SenderAddress { isV4 || isLoopback ? self : SenderAddress(high: high, low: 0) }
}

/// Addresses with the same beginning: `10.0.0.0/8`, or a single one.
package struct AddressRange: Sendable, Hashable {
  private let first: SenderAddress
  private let highMask: UInt64
  private let lowMask: UInt64

  /// Nil when the text is no address, or its length does not fit.
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

/// Senders that have shown a valid signature or token lately, by source. Belongs to the server's thread.
struct ProvedSenders {
  struct Sender: Hashable {
    var address: SenderAddress
    var source: String
  }

  private var times: [Sender: ContinuousClock.Instant] = [:]

  /// Enough for all that a vendor sends from.
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
