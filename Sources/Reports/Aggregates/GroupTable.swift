/// Assigns numbers to the groups of a view. A group is a window and the values of the view's columns.
struct GroupTable {
  private struct Entry {
    var hash: UInt64
    var window: Int32
    var keyStart: Int
    var keyCount: Int
  }

  private var entries: ContiguousArray<Entry> = []
  private var keyBytes: [UInt8] = []
  /// An open-addressing hash table of indices into `entries`, with -1 in free slots. Its size is a power of two; at
  /// least half is free.
  private var places = [Int32](repeating: -1, count: 1 << 10)

  var count: Int { entries.count }

  func window(of group: Int) -> Int { Int(entries[group].window) }

  /// Returns the key that the group was added with.
  func key(of group: Int) -> ArraySlice<UInt8> {
    let entry = entries[group]
    return keyBytes[entry.keyStart..<(entry.keyStart + entry.keyCount)]
  }

  /// Returns the number of a group, and adds the group if it is new.
  mutating func group(window: Int32, key: UnsafeBufferPointer<UInt8>) -> Int {
    let hash = Self.hash(window, key)
    let mask = places.count - 1
    var place = Int(truncatingIfNeeded: hash) & mask
    while true {
      let number = Int(places[place])
      if number < 0 { break }
      if entries[number].hash == hash, entries[number].window == window, isKey(key, of: number) { return number }
      place = (place + 1) & mask
    }
    let number = entries.count
    entries.append(Entry(hash: hash, window: window, keyStart: keyBytes.count, keyCount: key.count))
    keyBytes.append(contentsOf: key)
    places[place] = Int32(number)
    if entries.count * 2 > places.count { grow() }
    return number
  }

  private func isKey(_ key: UnsafeBufferPointer<UInt8>, of number: Int) -> Bool {
    let entry = entries[number]
    guard entry.keyCount == key.count else { return false }
    return keyBytes.withUnsafeBufferPointer { bytes in
      for index in 0..<key.count where bytes[entry.keyStart + index] != key[index] { return false }
      return true
    }
  }

  private mutating func grow() {
    places = [Int32](repeating: -1, count: places.count * 2)
    let mask = places.count - 1
    for (number, entry) in entries.enumerated() {
      var place = Int(truncatingIfNeeded: entry.hash) & mask
      while places[place] >= 0 { place = (place + 1) & mask }
      places[place] = Int32(number)
    }
  }

  private static func hash(_ window: Int32, _ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash = UInt64(UInt32(bitPattern: window)) ^ UInt64(key.count) << 32
    func mix(_ word: UInt64) {
      let product = (hash ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
      hash = product.high ^ product.low
    }
    let bytes = UnsafeRawBufferPointer(key)
    var offset = 0
    while bytes.count - offset >= 8 {
      mix(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset += 8
    }
    var rest: UInt64 = 0
    while offset < bytes.count {
      rest = rest << 8 | UInt64(bytes[offset])
      offset += 1
    }
    mix(rest ^ 0xa076_1d64_78bd_642f)
    return hash
  }
}

/// Encodes the values of a group's columns as bytes, unambiguously.
enum GroupKey {
  /// Appends a value: its length in four bytes, big-endian, and its bytes.
  static func append(_ value: UnsafeBufferPointer<UInt8>, to key: inout [UInt8]) {
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: value.count).bigEndian) { key.append(contentsOf: $0) }
    key.append(contentsOf: value)
  }

  static func values(of key: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    var values: [ArraySlice<UInt8>] = []
    var rest = key
    while rest.count >= 4 {
      let count = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(4)
      values.append(rest.prefix(count))
      rest = rest.dropFirst(count)
    }
    return values
  }
}
