/// A 128-bit trace id: the first 16 bytes of SHA-256 over `trace:` and the key of the trace's root.
///
/// Anybody can compute it: `printf 'trace:github:github.com:197483389:issue:36' | sha256sum | cut -c1-32`.
public struct TraceID: Sendable, Hashable, CustomStringConvertible {
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The id of the trace that starts at the subject with this key.
  public init(root: SubjectKey) {
    let digest = SHA256.hash(of: "trace:\(root)")
    high = digest.word(at: 0)
    low = digest.word(at: 8)
  }

  /// Parses 32 hexadecimal digits, or 16 for an id whose high half is zero.
  ///
  /// - Returns: Nil for any other text, and for an id of zero.
  public init?(_ text: some StringProtocol) {
    guard let low = Hex.parse(text.suffix(16)) else { return nil }
    switch text.utf8.count {
    case 32:
      guard let high = Hex.parse(text.prefix(16)) else { return nil }
      self.init(high: high, low: low)
    case 16: self.init(high: 0, low: low)
    default: return nil
    }
    if high == 0, self.low == 0 { return nil }
  }

  /// The id as 32 lower-case hexadecimal digits.
  public var description: String { Hex.text(high) + Hex.text(low) }
}

/// A 64-bit span id: the first 8 bytes of SHA-256 over `span:`, the subject key, `:` and the attempt.
///
/// Anybody can compute it: `printf 'span:github:github.com:197483389:issue:36:1' | sha256sum | cut -c1-16`.
public struct SpanID: Sendable, Hashable, CustomStringConvertible {
  public let rawValue: UInt64

  public init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The id of one attempt of a subject. Attempts count from 1.
  public init(key: SubjectKey, attempt: Int) {
    rawValue = SHA256.hash(of: "span:\(key):\(attempt)").word(at: 0)
  }

  /// The id of a phase that is exported as its own span.
  ///
  /// It is the first 8 bytes of SHA-256 over `phase:<key>:<attempt>:<track>:<name>:<start>`, with the start in RFC 3339.
  public init(of phase: Phase, in key: SubjectKey, attempt: Int) {
    let text = "phase:\(key):\(attempt):\(phase.track):\(phase.name):\(phase.start.rfc3339)"
    rawValue = SHA256.hash(of: text).word(at: 0)
  }

  /// Parses 16 hexadecimal digits; nil for any other text, and for an id of zero.
  public init?(_ text: some StringProtocol) {
    guard let value = Hex.parse(text), value != 0 else { return nil }
    rawValue = value
  }

  /// The id as 16 lower-case hexadecimal digits.
  public var description: String { Hex.text(rawValue) }
}

/// Reads and writes hexadecimal text. Output is lower case; input may be upper or lower case.
package enum Hex {
  /// The value of one ASCII digit; nil if it is not hexadecimal.
  package static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// Parses exactly 16 digits; nil for any other text.
  static func parse(_ text: some StringProtocol) -> UInt64? {
    guard text.utf8.count == 16 else { return nil }
    var result: UInt64 = 0
    for byte in text.utf8 {
      guard let digit = value(byte) else { return nil }
      result = result << 4 | UInt64(digit)
    }
    return result
  }

  static func text(_ word: UInt64) -> String {
    text(of: (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) })
  }

  package static func text(of bytes: some Collection<UInt8>) -> String {
    let digits = StaticString("0123456789abcdef").utf8Start
    return String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
      var index = 0
      for byte in bytes {
        buffer[index] = digits[Int(byte >> 4)]
        buffer[index + 1] = digits[Int(byte & 15)]
        index += 2
      }
      return index
    }
  }

  /// Decodes two digits per byte; nil for an odd number of digits or any other character.
  package static func bytes(of text: some StringProtocol) -> [UInt8]? {
    // Copy to a string, because generic code over slices is many times slower.
    var text = String(text)
    return text.withUTF8 { digits in
      guard digits.count % 2 == 0 else { return nil }
      var result: [UInt8] = []
      result.reserveCapacity(digits.count / 2)
      for index in stride(from: 0, to: digits.count, by: 2) {
        guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
        result.append(high << 4 | low)
      }
      return result
    }
  }
}
