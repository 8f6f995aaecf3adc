package import ValueStreamCore

/// The document in a delivery's body.
package enum PayloadBody {
  /// Reads a JSON body, or the form `payload=...` that GitHub can be set to send.
  ///
  /// What the body is decides its first byte, not its Content-Type: scripts send none, or the wrong one.
  ///
  /// - Throws: `unsupportedMediaType` when it is neither, `malformed` when it is broken.
  package static func document(of delivery: Delivery) throws(PayloadError) -> JSONDocument {
    let body = delivery.body
    guard let first = body.first(where: { !isSpace($0) }) else { throw PayloadError(.malformed, reason: "the body is empty") }
    switch first {
    case UInt8(ascii: "{"), UInt8(ascii: "["), 0xEF:
      // A byte order mark is no JSON, but harmless.
      return try JSONDocument(body.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(body.dropFirst(3)) : body)
    default:
      if let payload = formField("payload", in: body) { return try JSONDocument(payload) }
      let type = delivery.headers["Content-Type"] ?? "none"
      if type.hasPrefix("application/json") { return try JSONDocument(body) }
      throw PayloadError(
        .unsupportedMediaType, reason: "neither JSON nor a form with a field payload (Content-Type: \(type))")
    }
  }

  /// The decoded value of a field of an `application/x-www-form-urlencoded` body; nil when there is no such field.
  static func formField(_ name: String, in body: [UInt8]) -> [UInt8]? {
    let prefix = Array("\(name)=".utf8)
    for field in body.split(separator: UInt8(ascii: "&")) where field.starts(with: prefix) {
      return decode(field.dropFirst(prefix.count))
    }
    return nil
  }

  private static func decode(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var index = text.startIndex
    while index < text.endIndex {
      let byte = text[index]
      index += 1
      if byte == UInt8(ascii: "+") {
        result.append(UInt8(ascii: " "))
      } else if byte == UInt8(ascii: "%"), index + 1 < text.endIndex, let high = Hex.value(text[index]),
        let low = Hex.value(text[index + 1])
      {
        result.append(high << 4 | low)
        index += 2
      } else {
        result.append(byte)
      }
    }
    return result
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }
}
