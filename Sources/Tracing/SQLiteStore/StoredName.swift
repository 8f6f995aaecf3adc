import ValueStreamCore

/// A key or reference as it stands in an index: what it shares with its neighbours, and what sets it apart.
///
/// The shared part is interned to a small number, so that the next issue of a repository lands on the same page of the index
/// as the one before.
struct StoredName: Hashable {
  /// Shared by neighbours: a key without its id, a reference up to its trailing number.
  var space: String
  /// The trailing number; -1 where there is none, and `text` tells.
  var number: Int64
  var text: String

  init(_ key: SpanKey) {
    space = String(key.space)
    let id = key.encodedID
    number = Self.canonicalNumber(id) ?? -1
    text = number < 0 ? String(id) : ""
  }

  init(_ reference: Reference) {
    let value = reference.value
    let digits = value.utf8.reversed().prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }.count
    let split = value.utf8.index(value.utf8.endIndex, offsetBy: -digits)
    if split > value.startIndex, Self.isSeparator(value.utf8[value.utf8.index(before: split)]),
      let number = Self.canonicalNumber(value[split...])
    {
      space = "\(reference.kind.rawValue):\(value[..<split])"
      self.number = number
      text = ""
    } else {
      space = "\(reference.kind.rawValue):"
      number = -1
      text = value
    }
  }

  /// The key that was stored under these parts.
  static func key(space: String, number: Int64, text: String) -> SpanKey {
    SpanKey(encoded: number < 0 ? space + text : space + String(number))
  }

  /// Nil unless printing the number gives the same text.
  private static func canonicalNumber(_ text: Substring) -> Int64? {
    let bytes = text.utf8
    guard let first = bytes.first, bytes.count <= 19, first != UInt8(ascii: "0") || bytes.count == 1,
      bytes.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
    else { return nil }
    return Int64(text)
  }

  private static func isSeparator(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "#"), UInt8(ascii: "!"), UInt8(ascii: ":"), UInt8(ascii: "@"): true
    default: false
    }
  }
}
