/// Writes the rows of a page as CSV (RFC 4180) in UTF-8.
struct CSVText {
  private(set) var bytes: [UInt8] = []

  /// Writes a row. A field is quoted if it needs it.
  ///
  /// A field that a spreadsheet would run as a formula gets an apostrophe in front.
  mutating func row(_ fields: [String?]) {
    for (index, field) in fields.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      append(field ?? "")
    }
    bytes += [UInt8(ascii: "\r"), UInt8(ascii: "\n")]
  }

  private mutating func append(_ field: String) {
    let isFormula = field.utf8.first.map { Self.formulaStarts.contains($0) } ?? false
    guard isFormula || field.utf8.contains(where: { Self.special.contains($0) }) else {
      bytes += field.utf8
      return
    }
    bytes.append(UInt8(ascii: "\""))
    if isFormula { bytes.append(UInt8(ascii: "'")) }
    for byte in field.utf8 {
      if byte == UInt8(ascii: "\"") { bytes.append(byte) }
      bytes.append(byte)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static let formulaStarts = Array("=+-@\t\r".utf8)
  private static let special = Array("\",\r\n".utf8)
}
