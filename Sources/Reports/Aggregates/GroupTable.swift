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

  /// Returns the number of a group of another table, and adds the group if it is new.
  mutating func group(_ number: Int, of other: GroupTable) -> Int {
    let entry = other.entries[number]
    return other.keyBytes.withUnsafeBufferPointer { bytes in
      let key = UnsafeBufferPointer(rebasing: bytes[entry.keyStart..<(entry.keyStart + entry.keyCount)])
      return group(window: entry.window, key: key, hash: entry.hash)
    }
  }

  /// The numbers of the groups, ordered by window and then by the bytes of their values.
  var sorted: [Int] {
    entries.indices.sorted { left, right in
      let (left, right) = (entries[left], entries[right])
      if left.window != right.window { return left.window < right.window }
      return keyBytes.withUnsafeBufferPointer { bytes in
        GroupKey.precedes(
          UnsafeBufferPointer(rebasing: bytes[left.keyStart..<(left.keyStart + left.keyCount)]),
          UnsafeBufferPointer(rebasing: bytes[right.keyStart..<(right.keyStart + right.keyCount)]))
      }
    }
  }

  /// Returns the number of a group, and adds the group if it is new.
  mutating func group(window: Int32, key: UnsafeBufferPointer<UInt8>) -> Int {
    group(window: window, key: key, hash: Self.hash(window, key))
  }

  private mutating func group(window: Int32, key: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int {
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

  /// Returns whether one key comes before another with as many values: by the bytes of the first value in which they differ.
  static func precedes(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
    // The keys are equal up to a value that differs, so this value has the same place in both.
    var start = 0
    while start + 4 <= left.count, start + 4 <= right.count {
      let (leftEnd, rightEnd) = (start + 4 + count(left, start), start + 4 + count(right, start))
      var index = start + 4
      while index < leftEnd, index < rightEnd {
        if left[index] != right[index] { return left[index] < right[index] }
        index += 1
      }
      if leftEnd != rightEnd { return leftEnd < rightEnd }
      start = leftEnd
    }
    return false
  }

  /// Returns the length of the value whose encoding starts at an index.
  private static func count(_ key: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    Int(key[start]) << 24 | Int(key[start + 1]) << 16 | Int(key[start + 2]) << 8
      | Int(key[start + 3])
  }

  /// Returns the values as texts.
  static func values(of key: ArraySlice<UInt8>) -> [String] {
    key.withUnsafeBufferPointer { key in
      var values: [String] = []
      var start = 0
      while start + 4 <= key.count {
        let end = start + 4 + count(key, start)
        values.append(String(decoding: key[(start + 4)..<end], as: UTF8.self))
        start = end
      }
      return values
    }
  }
}
