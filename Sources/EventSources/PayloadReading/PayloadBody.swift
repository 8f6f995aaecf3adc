package import ValueStreamCore

/// Reads the JSON document from the body of a delivery.
package enum PayloadBody {
  /// Parses a JSON body, or the form `payload=...` that GitHub can be configured to send.
  ///
  /// The first byte of the body decides the format, not the Content-Type, because scripts send no type or a wrong one.
  ///
  /// - Throws: `unsupportedMediaType` if the body is neither, `malformed` if it cannot be parsed.
  package static func document(of delivery: Delivery) throws(PayloadError) -> JSONDocument {
    let body = delivery.body
    guard let first = body.first(where: { !isSpace($0) }) else { throw PayloadError(.malformed, reason: "the body is empty") }
    switch first {
    case UInt8(ascii: "{"), UInt8(ascii: "["), 0xEF:
      // Skip a byte order mark: it is not valid JSON, but harmless.
      return try JSONDocument(body.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(body.dropFirst(3)) : body)
    default:
      if let payload = formField("payload", in: body) { return try JSONDocument(payload) }
      let type = delivery.headers["Content-Type"] ?? "none"
      if type.hasPrefix("application/json") { return try JSONDocument(body) }
      throw PayloadError(
        .unsupportedMediaType, reason: "neither JSON nor a form with a field payload (Content-Type: \(type))")
    }
  }

  /// Returns the decoded value of a field in an `application/x-www-form-urlencoded` body; nil if the field is absent.
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
