/// Parses and rounds decimal numbers.
enum Decimal {
  /// Parses digits with an optional point, sign and exponent, correctly rounded.
  ///
  /// - Returns: Nil for anything else, including `inf` and `nan`.
  static func parse(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    let isNegative = text.first == UInt8(ascii: "-")
    let start = isNegative || text.first == UInt8(ascii: "+") ? 1 : 0
    var digits: UInt64 = 0
    let point = readDigits(text, from: start, into: &digits)
    var end = point
    if point < text.count, text[point] == UInt8(ascii: ".") { end = readDigits(text, from: point + 1, into: &digits) }
    let fractionDigits = max(0, end - point - 1)
    let count = point - start + fractionDigits
    guard end == text.count, count > 0, fractionDigits <= 19, count <= 19 || isWithinWord(text, from: start) else {
      return parseSlowly(text)
    }
    let magnitude = fractionDigits == 0 ? Double(digits) : quotient(digits, byPowerOfTen: fractionDigits)
    return isNegative ? -magnitude : magnitude
  }

  /// Appends digits to a number, which wraps on overflow.
  ///
  /// - Returns: The index past the last digit.
  private static func readDigits(_ text: UnsafeBufferPointer<UInt8>, from start: Int, into digits: inout UInt64) -> Int {
    var index = start
    let bytes = UnsafeRawBufferPointer(text)
    while text.count - index >= 8 {
      var eight = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
      // All eight bytes are digits if their high halves are 3, also after 6 is added.
      guard
        eight & 0xf0f0_f0f0_f0f0_f0f0 | (eight &+ 0x0606_0606_0606_0606) >> 4 & 0x0f0f_0f0f_0f0f_0f0f
          == 0x3333_3333_3333_3333
      else { break }
      // Combines digits to pairs, pairs to fours, and fours to eight digits.
      eight = ((eight & 0x0f0f_0f0f_0f0f_0f0f) &* 2561) >> 8
      eight = ((eight & 0x00ff_00ff_00ff_00ff) &* 6_553_601) >> 16
      eight = ((eight & 0x0000_ffff_0000_ffff) &* 42_949_672_960_001) >> 32
      digits = digits &* 100_000_000 &+ eight
      index += 8
    }
    while index < text.count {
      let digit = text[index] &- 48
      guard digit < 10 else { break }
      digits = digits &* 10 &+ UInt64(digit)
      index += 1
    }
    return index
  }

  /// True if there are at most 19 significant digits, which fit a 64-bit word.
  private static func isWithinWord(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Bool {
    let significant = text[start...].drop { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".") }
    return significant.count(where: { $0 != UInt8(ascii: ".") }) <= 19
  }

  /// Parses with the standard library, but only texts of digits, points, signs and exponents.
  private static func parseSlowly(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    let letters: [UInt8] = [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "e"), UInt8(ascii: "E")]
    guard text.allSatisfy({ $0 &- 48 < 10 || letters.contains($0) }) else { return nil }
    return Double(String(decoding: text, as: UTF8.self))
  }

  private static let powersOfTen: [UInt64] = (0..<20).reduce(into: [1]) { powers, _ in powers.append((powers.last ?? 1) &* 10) }

  /// Returns the double nearest to a number divided by a power of ten.
  ///
  /// - Parameter power: The power of ten, from 0 to 19.
  private static func quotient(_ number: UInt64, byPowerOfTen power: Int) -> Double {
    // Both numbers are exact as doubles, so their quotient is rounded only once.
    if number < 1 << 53, power <= 22 {
      return Double(number) / exactPowersOfTen[power]
    }
    let divisor = powersOfTen[power]
    let numberZeros = number.leadingZeroBitCount
    let divisorZeros = divisor.leadingZeroBitCount
    let dividend = number << numberZeros
    let (quotient, remainder) = (divisor << divisorZeros).dividingFullWidth((dividend >> 1, dividend << 63))
    let zeros = quotient.leadingZeroBitCount
    return double(quotient << zeros, isInexact: remainder != 0, exponent: divisorZeros - numberZeros - 63 - zeros)
  }

  private static let exactPowersOfTen: [Double] = powersOfTen.map { Double($0) }

  /// Returns the double nearest to a number, with ties to even.
  ///
  /// - Parameters:
  ///   - head: The first 64 bits of the number, with the highest bit set.
  ///   - isInexact: True if the number has further bits that are set.
  ///   - exponent: The power of 2 by which the head is multiplied.
  static func double(_ head: UInt64, isInexact: Bool, exponent: Int) -> Double {
    // Keeps 53 of the 64 bits, or fewer if the double is subnormal.
    let lowest = max(exponent + 11, -1074)
    let dropped = lowest - exponent
    guard dropped <= 64 else { return 0 }
    var kept = dropped == 64 ? 0 : head >> UInt64(dropped)
    let half: UInt64 = 1 << UInt64(dropped - 1)
    let rest = head & (half | (half - 1))
    if rest > half || rest == half && (isInexact || kept & 1 == 1) { kept += 1 }
    return Double(sign: .plus, exponent: lowest, significand: Double(kept))
  }

  /// Returns a number rounded to some decimals, with halves rounded away from zero.
  static func rounded(_ number: Double, decimals: Int) -> Double {
    let scale = exactPowersOfTen[decimals]
    return (number * scale).rounded(.toNearestOrAwayFromZero) / scale
  }
}
