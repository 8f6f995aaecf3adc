/// Identifies a delivery by a 128-bit hash over source, id and body.
public struct DeliveryFingerprint: Sendable, Hashable {
  public var high: UInt64
  public var low: UInt64
  /// When the delivery was received. Not part of the identity.
  public var received: Timestamp

  public init(high: UInt64, low: UInt64, received: Timestamp) {
    self.high = high
    self.low = low
    self.received = received
  }

  /// Computes the fingerprint of a delivery with an id. The same id with a different body gives a different fingerprint.
  public init(of delivery: Delivery, id: String) {
    var hasher = ContentHasher()
    hasher.add(delivery.source)
    hasher.add(id)
    delivery.body.withUnsafeBytes { hasher.add($0) }
    let hash = hasher.wide
    self.init(high: hash.high, low: hash.low, received: delivery.received)
  }

  public static func == (left: DeliveryFingerprint, right: DeliveryFingerprint) -> Bool {
    left.high == right.high && left.low == right.low
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(high)
    hasher.combine(low)
  }
}
