/// Numbers as texts of decimal digits, read, and rounded to be written.
enum Decimal {
  /// Reads digits with a point, a sign and an exponent, correctly rounded.
  ///
  /// - Returns: nil for anything else, `inf` and `nan` included.
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

  /// Appends digits to a number, which wraps around.
  ///
  /// - Returns: past the last digit.
  private static func readDigits(_ text: UnsafeBufferPointer<UInt8>, from start: Int, into digits: inout UInt64) -> Int {
    var index = start
    let bytes = UnsafeRawBufferPointer(text)
    while text.count - index >= 8 {
      var eight = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
      // All are digits when their high halves are 3, and stay so when 6 is added.
      guard
        eight & 0xf0f0_f0f0_f0f0_f0f0 | (eight &+ 0x0606_0606_0606_0606) >> 4 & 0x0f0f_0f0f_0f0f_0f0f
          == 0x3333_3333_3333_3333
      else { break }
      // Digits become pairs, pairs fours, and fours all eight.
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

  /// True when, without zeros in front, there are no more than the 19 digits that a word holds.
  private static func isWithinWord(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Bool {
    let significant = text[start...].drop { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".") }
    return significant.count(where: { $0 != UInt8(ascii: ".") }) <= 19
  }

  /// What the library reads, if it is made of digits, points, signs and exponents at all.
  private static func parseSlowly(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    let letters: [UInt8] = [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "e"), UInt8(ascii: "E")]
    guard text.allSatisfy({ $0 &- 48 < 10 || letters.contains($0) }) else { return nil }
    return Double(String(decoding: text, as: UTF8.self))
  }

  private static let powersOfTen: [UInt64] = (0..<20).reduce(into: [1]) { powers, _ in powers.append((powers.last ?? 1) &* 10) }

  /// - Parameter power: from 0 to 19.
  private static func quotient(_ number: UInt64, byPowerOfTen power: Int) -> Double {
    // Both are exact as doubles, and so their quotient is rounded once.
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

  /// The double nearest to a number; of two equally near ones the even one.
  ///
  /// - Parameters:
  ///   - head: its first 64 bits, of which the highest is set.
  ///   - isInexact: true when it has more bits than these.
  ///   - exponent: the head counts that power of 2.
  static func double(_ head: UInt64, isInexact: Bool, exponent: Int) -> Double {
    // Of the 64 bits 53 stay, or fewer where the double is subnormal.
    let lowest = max(exponent + 11, -1074)
    let dropped = lowest - exponent
    guard dropped <= 64 else { return 0 }
    var kept = dropped == 64 ? 0 : head >> UInt64(dropped)
    let half: UInt64 = 1 << UInt64(dropped - 1)
    let rest = head & (half | (half - 1))
    if rest > half || rest == half && (isInexact || kept & 1 == 1) { kept += 1 }
    return Double(sign: .plus, exponent: lowest, significand: Double(kept))
  }

  /// A number rounded to some decimals, halves away from zero.
  static func rounded(_ number: Double, decimals: Int) -> Double {
    let scale = exactPowersOfTen[decimals]
    return (number * scale).rounded(.toNearestOrAwayFromZero) / scale
  }
}
