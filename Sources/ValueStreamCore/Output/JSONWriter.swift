/// Writes JSON (RFC 8259) directly into bytes, with members in the order of the calls.
///
/// For log lines, API responses and exporters, whose member names are known only at run time and whose order matters to
/// readers. Infinite numbers and NaN become null, because JSON cannot express them.
public struct JSONWriter: Sendable {
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  public init() {}

  /// Reserves space for a document.
  ///
  /// - Parameter capacity: The expected size in bytes.
  package init(capacity: Int) {
    bytes.reserveCapacity(capacity)
  }

  public mutating func object(_ members: (inout JSONWriter) throws -> Void) rethrows {
    beginValue()
    bytes.append(UInt8(ascii: "{"))
    needsComma = false
    try members(&self)
    bytes.append(UInt8(ascii: "}"))
    needsComma = true
  }

  public mutating func array<Element>(
    _ elements: some Sequence<Element>, _ write: (inout JSONWriter, Element) throws -> Void
  ) rethrows {
    beginValue()
    bytes.append(UInt8(ascii: "["))
    needsComma = false
    for element in elements { try write(&self, element) }
    bytes.append(UInt8(ascii: "]"))
    needsComma = true
  }

  /// Writes a member's name. Its value must follow.
  public mutating func name(_ name: String) {
    beginValue()
    appendQuoted(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  public mutating func value(_ text: String?) {
    beginValue()
    if let text { appendQuoted(text) } else { append("null") }
    needsComma = true
  }

  public mutating func value(_ number: Int64) {
    beginValue()
    append(String(number))
    needsComma = true
  }

  public mutating func value(_ number: Double) {
    beginValue()
    append(number.isFinite ? Self.shortest(number) : "null")
    needsComma = true
  }

  public mutating func value(_ flag: Bool) {
    beginValue()
    append(flag ? "true" : "false")
    needsComma = true
  }

  public mutating func value(_ attribute: AttributeValue) {
    switch attribute {
    case .string(let text): value(text)
    case .int(let number): value(number)
    case .double(let number): value(number)
    case .bool(let flag): value(flag)
    case .strings(let texts): array(texts) { $0.value($1) }
    case .null: value(nil as String?)
    }
  }

  /// Writes bytes that are already valid JSON, such as a part that many documents share.
  package mutating func value(json: [UInt8]) {
    beginValue()
    bytes += json
    needsComma = true
  }

  public mutating func member(_ name: String, _ text: String?) {
    self.name(name)
    value(text)
  }

  public mutating func member(_ name: String, _ number: Int) {
    self.name(name)
    value(Int64(number))
  }

  public mutating func member(_ name: String, _ number: Int64) {
    self.name(name)
    value(number)
  }

  public mutating func member(_ name: String, _ flag: Bool) {
    self.name(name)
    value(flag)
  }

  private mutating func beginValue() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = false
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private static func shortest(_ number: Double) -> String {
    let text = "\(number)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private mutating func appendQuoted(_ text: String) {
    var text = text
    text.withUTF8 { appendQuoted($0) }
  }

  private mutating func appendQuoted(_ text: UnsafeBufferPointer<UInt8>) {
    bytes.append(UInt8(ascii: "\""))
    // Most texts need no escapes. A loop over all bytes without an early exit can be vectorized.
    var escaped: UInt8 = 0
    for byte in text {
      escaped |= (byte < 0x20 ? 1 : 0) | (byte == UInt8(ascii: "\"") ? 1 : 0) | (byte == UInt8(ascii: "\\") ? 1 : 0)
    }
    if escaped == 0 {
      bytes.append(contentsOf: text)
    } else {
      for byte in text { appendEscaped(byte) }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func appendEscaped(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    case 0x0A: append("\\n")
    case 0x0D: append("\\r")
    case 0x09: append("\\t")
    case 0..<0x20:
      append("\\u00")
      append(Hex.text(of: CollectionOfOne(byte)))
    default: bytes.append(byte)
    }
  }
}
