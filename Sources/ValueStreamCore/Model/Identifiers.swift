/// A 128-bit trace id: the first 16 bytes of SHA-256 over `trace:` and the key of the trace's root.
///
/// `printf 'trace:github:github.com:197483389:issue:36' | sha256sum | cut -c1-32` prints the same.
public struct TraceID: Sendable, Hashable, CustomStringConvertible {
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The id of the trace whose root has this key.
  public init(root: SpanKey) {
    let digest = SHA256.hash(of: "trace:\(root)")
    high = digest.word(at: 0)
    low = digest.word(at: 8)
  }

  /// Reads 32 hexadecimal digits (or 16: the high half is then zero); nil for anything else, and for zero.
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

  /// 32 lower-case hexadecimal digits.
  public var description: String { Hex.text(high) + Hex.text(low) }
}

/// A 64-bit span id: the first 8 bytes of SHA-256 over `span:`, the key, `:` and the attempt's number.
///
/// `printf 'span:github:github.com:197483389:issue:36:1' | sha256sum | cut -c1-16` prints the same.
public struct SpanID: Sendable, Hashable, CustomStringConvertible {
  public let rawValue: UInt64

  public init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The id of an attempt of the thing with this key; attempts count from 1.
  public init(key: SpanKey, attempt: Int) {
    rawValue = SHA256.hash(of: "span:\(key):\(attempt)").word(at: 0)
  }

  /// The id of a phase that is shown as a span of its own: of `phase:`, the key, the attempt's number, the phase's track and
  /// name, and its start as RFC 3339, with `:` between them.
  public init(of phase: Phase, in key: SpanKey, attempt: Int) {
    let text = "phase:\(key):\(attempt):\(phase.track):\(phase.name):\(phase.start.rfc3339)"
    rawValue = SHA256.hash(of: text).word(at: 0)
  }

  /// Reads 16 hexadecimal digits; nil for anything else, and for zero.
  public init?(_ text: some StringProtocol) {
    guard let value = Hex.parse(text), value != 0 else { return nil }
    rawValue = value
  }

  /// 16 lower-case hexadecimal digits.
  public var description: String { Hex.text(rawValue) }
}

/// Hexadecimal text, lower case when written, any case when read.
package enum Hex {
  package static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// Exactly 16 digits.
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

  /// Nil for an odd number of digits or anything that is not one.
  package static func bytes(of text: some StringProtocol) -> [UInt8]? {
    // Through a string, because generic code over its slices is many times slower.
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
