import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Random draws for the behaviour of people and machines. The same seed gives the same draws.
extension SeededRandom {
  /// Returns a number from 0 up to, but not including, 1.
  mutating func unit() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// Returns an integer from 0 up to, but not including, `count`.
  mutating func below(_ count: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(max(count, 1))).high)
  }

  mutating func between(_ low: Double, _ high: Double) -> Double {
    low + (high - low) * unit()
  }

  mutating func chance(_ probability: Double) -> Bool {
    unit() < probability
  }

  /// Returns a random element; nil only if the list is empty.
  mutating func pick<Element>(_ elements: [Element]) -> Element? {
    elements.isEmpty ? nil : elements[below(elements.count)]
  }

  mutating func pick(_ first: String, _ others: String...) -> String {
    let index = below(others.count + 1)
    return index == 0 ? first : others[index - 1]
  }

  /// Returns an exponentially distributed number, such as the time until the next of many independent events.
  mutating func exponential(mean: Double) -> Double {
    -log(1 - unit()) * mean
  }

  /// Returns a log-normally distributed number, such as the duration of work: half are below the median, some far
  /// above it.
  ///
  /// - Parameter spread: The standard deviation of the logarithm. Values beyond 2.5 standard deviations are clamped.
  mutating func logNormal(median: Double, spread: Double) -> Double {
    // The Box-Muller transform gives a normally distributed number.
    let radius = (-2 * log(1 - unit())).squareRoot()
    let deviate = radius * cos(2 * Double.pi * unit())
    return median * exp(spread * min(max(deviate, -2.5), 2.5))
  }

  /// Returns forty random hexadecimal digits.
  mutating func sha() -> String {
    String(Hex.text(of: (0..<3).flatMap { _ in bytes(of: next()) }).prefix(40))
  }

  /// Returns a random UUID (RFC 9562, version 4), in lower case.
  mutating func uuid() -> String {
    var bytes = bytes(of: next()) + bytes(of: next())
    bytes[6] = bytes[6] & 0x0f | 0x40
    bytes[8] = bytes[8] & 0x3f | 0x80
    let text = Hex.text(of: bytes)
    var parts: [Substring] = []
    var rest = text[...]
    for length in [8, 4, 4, 4, 12] {
      parts.append(rest.prefix(length))
      rest = rest.dropFirst(length)
    }
    return parts.joined(separator: "-")
  }

  private func bytes(of word: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }
  }
}

extension Timestamp {
  /// Returns this time plus a number of seconds, which may be negative.
  func after(_ seconds: Double) -> Timestamp {
    advanced(byNanoseconds: Int64(saturating: (seconds * 1e9).rounded(.towardZero)))
  }

  /// This time, truncated to milliseconds.
  var milliseconds: Timestamp { Timestamp(nanoseconds: nanoseconds - nanoseconds % 1_000_000) }

  /// The day in UTC, as days since the Unix epoch.
  var day: Int64 { (seconds - ((seconds % 86_400) + 86_400) % 86_400) / 86_400 }

  /// Returns midnight UTC of a day, given in days since the Unix epoch.
  static func midnight(of day: Int64) -> Timestamp { Timestamp(seconds: day * 86_400) }

  /// Returns the weekday of a day, given in days since the Unix epoch; 0 is Sunday.
  static func weekday(of day: Int64) -> Int { Int(((day + 4) % 7 + 7) % 7) }

  /// The time in RFC 3339 without a fraction, as GitHub writes times.
  var wholeSeconds: String { Timestamp(seconds: seconds).rfc3339 }
}
