/// A hash table from ids to numbers that are not negative.
///
/// Reports look up hundreds of thousands of ids, for which a `Dictionary` takes too long.
struct IDMap: Sendable {
  private var keys: [UInt64]
  /// -1 for an empty place.
  private var values: [Int32]
  private(set) var count = 0
  private var mask: Int

  init(minimumCapacity: Int = 16) {
    var capacity = 32
    while capacity < minimumCapacity * 2 { capacity *= 2 }
    keys = [UInt64](repeating: 0, count: capacity)
    values = [Int32](repeating: -1, count: capacity)
    mask = capacity - 1
  }

  private func place(of key: UInt64) -> Int {
    var place = key.slot & mask
    while values[place] >= 0, keys[place] != key { place = (place + 1) & mask }
    return place
  }

  subscript(key: UInt64) -> Int32? {
    let value = values[place(of: key)]
    return value >= 0 ? value : nil
  }

  /// Returns the value of a key, after adding `value` if there was none.
  mutating func value(of key: UInt64, orInsert value: Int32) -> Int32 {
    let place = place(of: key)
    if values[place] >= 0 { return values[place] }
    keys[place] = key
    values[place] = value
    count += 1
    if count * 2 > mask { grow() }
    return value
  }

  mutating func set(_ value: Int32, for key: UInt64) {
    let place = place(of: key)
    if values[place] < 0 {
      keys[place] = key
      count += 1
    }
    values[place] = value
    if count * 2 > mask { grow() }
  }

  private mutating func grow() {
    var larger = IDMap(minimumCapacity: keys.count)
    for (place, value) in values.enumerated() where value >= 0 { larger.set(value, for: keys[place]) }
    self = larger
  }
}

/// A hash table of places in a list, whose keys are in that list.
struct PlaceTable: Sendable {
  /// -1 for an empty place.
  private var places: [Int32]
  private var mask: Int

  /// - Parameter minimumCapacity: the most entries that are ever added.
  init(minimumCapacity: Int) {
    var capacity = 32
    while capacity < minimumCapacity * 2 { capacity *= 2 }
    places = [Int32](repeating: -1, count: capacity)
    mask = capacity - 1
  }

  /// Returns the place of an equal entry, after adding `new` if there is none.
  mutating func place(hash: UInt64, orInsert new: Int32, isEqual: (Int32) -> Bool) -> Int32 {
    var slot = hash.slot & mask
    while places[slot] >= 0 {
      if isEqual(places[slot]) { return places[slot] }
      slot = (slot + 1) & mask
    }
    places[slot] = new
    return new
  }

  /// Returns the place of an equal entry. Nil if there is none.
  func place(hash: UInt64, isEqual: (Int32) -> Bool) -> Int32? {
    var slot = hash.slot & mask
    while places[slot] >= 0 {
      if isEqual(places[slot]) { return places[slot] }
      slot = (slot + 1) & mask
    }
    return nil
  }
}

/// Tells which ids were added never or once. Where it errs, it takes an id for one that was added more often.
struct RepeatFilter: Sendable {
  /// Two bits for each of many places. A line of the cache, 8 words, has the places of neighbouring ids, because rows of one
  /// day have ids close to each other.
  private var words: [UInt64]
  private let shift: UInt64

  /// - Parameter capacity: about how many ids are added.
  init(capacity: Int) {
    var bits: UInt64 = 4
    while 32 << bits < capacity, bits < 30 { bits += 1 }
    words = [UInt64](repeating: 0, count: 8 << bits)
    shift = 64 - bits
  }

  private func place(of id: UInt64) -> (word: Int, bit: UInt64) {
    let line = (id >> 8 &* 0x9e37_79b9_7f4a_7c15) >> shift
    return (Int(truncatingIfNeeded: line << 3 | id >> 5 & 7), (id & 31) * 2)
  }

  mutating func add(_ id: UInt64) {
    let (word, bit) = place(of: id)
    let isKnown = words[word] >> bit & 1
    words[word] |= (1 | isKnown << 1) << bit
  }

  /// False if the id was never added.
  func mayHave(_ id: UInt64) -> Bool {
    let (word, bit) = place(of: id)
    return words[word] >> bit & 1 != 0
  }

  func mayBeRepeated(_ id: UInt64) -> Bool {
    let (word, bit) = place(of: id)
    return words[word] >> bit & 2 != 0
  }
}

extension UInt64 {
  /// Where the search in a hash table begins.
  ///
  /// Rows of one day have ids close to each other, so sixteen neighbours share a line of the cache. The lines themselves are
  /// spread, because long runs of neighbours that fall on each other would have to be searched from end to end.
  fileprivate var slot: Int {
    let line = (self >> 4 &* 0x9e37_79b9_7f4a_7c15) >> 28
    return Int(truncatingIfNeeded: line << 4 | self & 15)
  }
}
