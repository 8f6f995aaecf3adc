/// The fingerprints of the newest deliveries that were made durable, up to a fixed number.
///
/// Needs 24 bytes for each entry and 8 bytes for its index. A `Set` of fingerprints with a separate order would need
/// four times as much.
struct FingerprintRing {
  private struct Entry {
    var high: UInt64
    var low: UInt64
    var position: UInt64
  }

  let capacity: Int
  /// A ring buffer once it is full. `next` is then the index of the oldest entry.
  private var entries: [Entry] = []
  private var next = 0
  /// A hash table over `entries`, with open addressing and linear probing. Holds index + 1, or 0 if free. At most half full.
  private var table: [UInt32] = []

  init(capacity: Int) {
    self.capacity = max(1, min(capacity, 1 << 30))
  }

  var count: Int { entries.count }

  /// Returns the position at which the delivery was first logged. Nil if it is unknown.
  func position(of fingerprint: DeliveryFingerprint) -> UInt64? {
    index(of: fingerprint).map { entries[$0].position }
  }

  /// Changes the position of a known delivery.
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

  /// Adds an unknown delivery. Replaces the oldest if the ring is full.
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

  /// Frees the slot of an entry, and moves later entries of the probe sequence up.
  private mutating func remove(_ index: Int) {
    let mask = table.count - 1
    var free = home(of: entries[index].low)
    while table[free] != UInt32(index + 1) { free = (free + 1) & mask }
    var slot = (free + 1) & mask
    while table[slot] != 0 {
      let wanted = home(of: entries[Int(table[slot]) - 1].low)
      // The entry may move to the free slot unless its home lies between the two.
      if (slot - wanted) & mask >= (slot - free) & mask {
        table[free] = table[slot]
        free = slot
      }
      slot = (slot + 1) & mask
    }
    table[free] = 0
  }
}
