import Testing
import ValueStreamCore

@Suite("Recent deliveries")
struct RecentDeliveriesTests {
  private static func fingerprint(_ number: UInt64) -> DeliveryFingerprint {
    DeliveryFingerprint(high: number, low: number &* 0x9e37_79b9_7f4a_7c15, received: Timestamp(seconds: 0))
  }

  private static func position(_ number: UInt64) -> LogPosition { LogPosition(rawValue: number) }

  @Test("the first place of a delivery is its own, every later one repeats it")
  func repetition() {
    let recent = RecentDeliveries()
    #expect(!recent.contains(Self.fingerprint(1)))
    #expect(recent.insert(Self.fingerprint(1), at: Self.position(10)))
    #expect(recent.contains(Self.fingerprint(1)))
    #expect(recent.insert(Self.fingerprint(1), at: Self.position(10)))
    #expect(!recent.insert(Self.fingerprint(1), at: Self.position(11)))
    #expect(recent.insert(Self.fingerprint(2), at: Self.position(12)))
  }

  @Test("told of a later place first, it still takes the earlier one for the first")
  func laterPlaceFirst() {
    let recent = RecentDeliveries()
    #expect(recent.insert(Self.fingerprint(1), at: Self.position(50)))
    #expect(recent.insert(Self.fingerprint(1), at: Self.position(10)))
    #expect(!recent.insert(Self.fingerprint(1), at: Self.position(50)))
    #expect(recent.insert(Self.fingerprint(1), at: Self.position(10)))
  }

  @Test("what was recorded somewhere is repeated by every place")
  func preloaded() {
    let recent = RecentDeliveries()
    recent.preload([Self.fingerprint(1)])
    #expect(recent.contains(Self.fingerprint(1)))
    #expect(!recent.insert(Self.fingerprint(1), at: Self.position(1)))
  }

  @Test("only the newest are remembered")
  func capacity() {
    let recent = RecentDeliveries(capacity: 100)
    for number in 1...1000 { #expect(recent.insert(Self.fingerprint(UInt64(number)), at: Self.position(UInt64(number)))) }
    for number in 1...1000 { #expect(recent.contains(Self.fingerprint(UInt64(number))) == (number > 900)) }
    recent.removeAll()
    #expect(!recent.contains(Self.fingerprint(1000)))
  }

  @Test("A delivery is projected once, wherever other writers have logged it")
  func accepting() {
    let recent = RecentDeliveries()
    let (own, other) = (LogPosition(writer: 2, number: 5), LogPosition(writer: 1, number: 9))
    recent.insert(Self.fingerprint(1), at: own)
    #expect(recent.accept(Self.fingerprint(1), at: own))
    #expect(!recent.accept(Self.fingerprint(1), at: other), "the other position is lower, but comes later")
    #expect(recent.accept(Self.fingerprint(1), at: own), "the same delivery again, after a failed write")
    recent.insert(Self.fingerprint(1), at: other)
    #expect(!recent.accept(Self.fingerprint(1), at: other))
    recent.insert(Self.fingerprint(2), at: own)
    #expect(recent.accept(Self.fingerprint(2), at: other), "known to intake only")
    #expect(!recent.accept(Self.fingerprint(2), at: own))
    recent.preload([Self.fingerprint(3)])
    #expect(!recent.accept(Self.fingerprint(3), at: own))
  }
}
