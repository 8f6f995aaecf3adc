import ValueStreamCore

/// A subject key or reference in the form that indexes store: a part shared with its neighbors, and a number or text of
/// its own.
///
/// The shared part is interned as a small number, so that consecutive issues of a repository are on the same page of an
/// index.
struct StoredName: Hashable {
  /// The shared part: a key without its id, or a reference up to its trailing number.
  var space: String
  /// The trailing number; -1 if there is none, in which case `text` is used.
  var number: Int64
  var text: String

  init(_ key: SubjectKey) {
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

  /// Returns the subject key that was stored in these parts.
  static func key(space: String, number: Int64, text: String) -> SubjectKey {
    SubjectKey(encoded: number < 0 ? space + text : space + String(number))
  }

  /// Returns the text as a number; nil unless the decimal digits of the number are exactly this text.
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
