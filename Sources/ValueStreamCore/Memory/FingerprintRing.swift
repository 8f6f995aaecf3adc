/// The newest deliveries that were made durable, a bounded number of them.
///
/// 24 bytes each and 8 of index: a set of fingerprints with an order beside it would take four times as much.
struct FingerprintRing {
  private struct Entry {
    var high: UInt64
    var low: UInt64
    var position: UInt64
  }

  let capacity: Int
  /// A ring once it is full; `next` is then the oldest.
  private var entries: [Entry] = []
  private var next = 0
  /// Open addressing with linear probing over `entries`: index + 1, and 0 where free. At most half full.
  private var table: [UInt32] = []

  init(capacity: Int) {
    self.capacity = max(1, min(capacity, 1 << 30))
  }

  var count: Int { entries.count }

  /// Where the delivery was first recorded; nil when it is not known.
  func position(of fingerprint: DeliveryFingerprint) -> UInt64? {
    index(of: fingerprint).map { entries[$0].position }
  }

  /// Corrects the place of one that is known.
  mutating func move(_ fingerprint: DeliveryFingerprint, to position: UInt64) {
    if let index = index(of: fingerprint) { entries[index].position = position }
  }

  private func index(of fingerprint: DeliveryFingerprint) -> Int? {
    guard !table.isEmpty else { return nil }
    var slot = home(of: fingerprint.low)
    while table[slot] != 0 {
      let index = Int(table[slot]) - 1
      if entries[index].high == fingerprint.high, entries[index].low == fingerprint.low { return index }
      slot = (slot + 1) & (table.count - 1)
    }
    return nil
  }

  /// Adds one that is not known; the oldest leaves when there are too many.
  mutating func insert(_ fingerprint: DeliveryFingerprint, at position: UInt64) {
    let entry = Entry(high: fingerprint.high, low: fingerprint.low, position: position)
    if entries.count < capacity {
      entries.append(entry)
      if entries.count * 2 > table.count { grow() } else { place(entries.count - 1) }
    } else {
      remove(next)
      entries[next] = entry
      place(next)
      next = (next + 1) % capacity
    }
  }

  mutating func removeAll() {
    self = FingerprintRing(capacity: capacity)
  }

  private func home(of low: UInt64) -> Int {
    Int(truncatingIfNeeded: low) & (table.count - 1)
  }

  private mutating func place(_ index: Int) {
    var slot = home(of: entries[index].low)
    while table[slot] != 0 { slot = (slot + 1) & (table.count - 1) }
    table[slot] = UInt32(index + 1)
  }

  private mutating func grow() {
    table = [UInt32](repeating: 0, count: max(1024, table.count * 2))
    for index in entries.indices { place(index) }
  }

  /// Frees the slot of an entry, and moves up what was probed past it.
  private mutating func remove(_ index: Int) {
    let mask = table.count - 1
    var free = home(of: entries[index].low)
    while table[free] != UInt32(index + 1) { free = (free + 1) & mask }
    var slot = (free + 1) & mask
    while table[slot] != 0 {
      let wanted = home(of: entries[Int(table[slot]) - 1].low)
      // It may move to the free slot unless its home lies between the two.
      if (slot - wanted) & mask >= (slot - free) & mask {
        table[free] = table[slot]
        free = slot
      }
      slot = (slot + 1) & mask
    }
    table[free] = 0
  }
}
