extension String {
  /// True if the UTF-8 bytes are equal. `==` also matches different encodings of the same accented letter.
  package func hasSameBytes(as other: String) -> Bool {
    guard utf8.count == other.utf8.count else { return false }
    let result = utf8.withContiguousStorageIfAvailable { bytes in
      other.utf8.withContiguousStorageIfAvailable { UnsafeRawBufferPointer(bytes).hasSameBytes(as: UnsafeRawBufferPointer($0)) }
    }
    return (result ?? nil) ?? utf8.elementsEqual(other.utf8)
  }

  /// The order of `<`: negative if this text comes first, positive if the other one does, 0 if neither does.
  ///
  /// Much faster than `<` for ASCII. 0 does not mean that the texts are equal: `<` does not order "é-" and "e" with a combining accent.
  package func order(to other: String) -> Int {
    let order = utf8.withContiguousStorageIfAvailable { bytes in
      other.utf8.withContiguousStorageIfAvailable { UnsafeRawBufferPointer(bytes).order(to: UnsafeRawBufferPointer($0)) }
    }
    if let order = (order ?? nil) ?? nil { return order }
    return self < other ? -1 : other < self ? 1 : 0
  }

  /// True if all characters are ASCII. Such strings are equal only if their bytes are.
  package var isASCII: Bool {
    utf8.withContiguousStorageIfAvailable { UnsafeRawBufferPointer($0).isASCII } ?? utf8.allSatisfy { $0 < 0x80 }
  }

  /// Hashes the UTF-8 bytes, for types whose equality compares bytes. Faster than the hash of a string.
  package func hashBytes(into hasher: inout Hasher) { hasher.combine(TextHash.hash(of: self)) }
}

extension UnsafeRawBufferPointer {
  /// Compares eight bytes at a time, because most compared strings are equal.
  fileprivate func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    if baseAddress == other.baseAddress { return true }
    if count < 8 {
      for index in 0..<count where self[index] != other[index] { return false }
      return true
    }
    var offset = 0
    while offset <= count - 8 {
      guard word(at: offset) == other.word(at: offset) else { return false }
      offset += 8
    }
    // The last word overlaps the one before it.
    return word(at: count - 8) == other.word(at: count - 8)
  }

  /// The order of two texts up to their first difference; nil if that is not ASCII, or what is before it.
  ///
  /// The character behind the difference must be ASCII, too: it might combine with the one before it.
  fileprivate func order(to other: UnsafeRawBufferPointer) -> Int? {
    let shared = Swift.min(count, other.count)
    var offset = 0
    while offset <= shared - 8, word(at: offset) == other.word(at: offset) {
      guard word(at: offset) & 0x8080_8080_8080_8080 == 0 else { return nil }
      offset += 8
    }
    while offset < shared, self[offset] == other[offset] {
      guard self[offset] < 0x80 else { return nil }
      offset += 1
    }
    guard isPlain(from: offset), other.isPlain(from: offset) else { return nil }
    return offset < shared ? Int(self[offset]) - Int(other[offset]) : count - other.count
  }

  /// True unless one of the next two bytes is not ASCII.
  private func isPlain(from offset: Int) -> Bool {
    for index in offset..<Swift.min(offset + 2, count) where self[index] >= 0x80 { return false }
    return true
  }

  fileprivate var isASCII: Bool {
    guard count >= 8 else { return allSatisfy { $0 < 0x80 } }
    var all = word(at: count - 8)
    var offset = 0
    while offset <= count - 8 {
      all |= word(at: offset)
      offset += 8
    }
    return all & 0x8080_8080_8080_8080 == 0
  }

  func word(at offset: Int) -> UInt64 { loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
}
