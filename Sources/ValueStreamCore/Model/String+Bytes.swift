extension String {
  /// True if the UTF-8 bytes are equal. `==` also matches different encodings of the same accented letter.
  package func hasSameBytes(as other: String) -> Bool {
    guard utf8.count == other.utf8.count else { return false }
    let result = utf8.withContiguousStorageIfAvailable { bytes in
      other.utf8.withContiguousStorageIfAvailable { UnsafeRawBufferPointer(bytes).hasSameBytes(as: UnsafeRawBufferPointer($0)) }
    }
    return (result ?? nil) ?? utf8.elementsEqual(other.utf8)
  }

  /// True if all characters are ASCII. Such strings are equal only if their bytes are.
  package var isASCII: Bool {
    utf8.withContiguousStorageIfAvailable { UnsafeRawBufferPointer($0).isASCII } ?? utf8.allSatisfy { $0 < 0x80 }
  }

  /// Hashes the UTF-8 bytes, for types whose equality compares bytes. Faster than the hash of a string.
  package func hashBytes(into hasher: inout Hasher) {
    let isHashed = utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: UnsafeRawBufferPointer($0)) } != nil
    if !isHashed { for byte in utf8 { hasher.combine(byte) } }
  }
}

extension UnsafeRawBufferPointer {
  /// Compares eight bytes at a time, because most compared strings are equal.
  fileprivate func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    if baseAddress == other.baseAddress { return true }
    guard count >= 8 else { return elementsEqual(other) }
    var offset = 0
    while offset <= count - 8 {
      guard word(at: offset) == other.word(at: offset) else { return false }
      offset += 8
    }
    // The last word overlaps the one before it.
    return word(at: count - 8) == other.word(at: count - 8)
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

  private func word(at offset: Int) -> UInt64 { loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
}
