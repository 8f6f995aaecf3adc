/// Parses and rounds decimal numbers.
enum Decimal {
  /// Parses digits with an optional point, sign and exponent, correctly rounded.
  ///
  /// - Parameter text: A text that is followed by 16 bytes that can be read.
  /// - Returns: Nil for anything else, including `inf` and `nan`.
  static func parse(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    let isSigned = text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+")
    let unsigned = UnsafeBufferPointer(rebasing: isSigned ? text.dropFirst() : text[...])
    guard let start = unsigned.baseAddress else { return nil }
    let plain = parsePlain(UnsafeRawPointer(start), count: unsigned.count)
    guard let magnitude = plain.isNaN ? parseSlowly(unsigned) : plain else { return nil }
    return text.first == UInt8(ascii: "-") ? -magnitude : magnitude
  }

  /// Parses up to 19 digits, with an optional point between them. Leading zeros before the point do not count.
  ///
  /// - Parameter bytes: A text that is followed by 16 bytes that can be read.
  /// - Returns: NaN for anything else, which includes other forms of numbers.
  @inline(__always)
  static func parsePlain(_ bytes: UnsafeRawPointer, count length: Int) -> Double {
    let word = digitValues(bytes, 0)
    var point = min(nonDigits(word).trailingZeroBitCount &>> 3, length)
    guard point > 0 else { return .nan }
    var digits = number(first: point, of: word)
    if point == 8 { point = readDigits(bytes, from: 8, to: length, into: &digits) }
    // A longer number may not fit a word. 19 digits do.
    guard point <= 19 else { return .nan }
    if point == length { return quotient(digits, byPowerOfTen: 0) }
    let fraction = length &- point &- 1
    guard bytes.load(fromByteOffset: point, as: UInt8.self) == UInt8(ascii: "."), fraction > 0,
      point &+ fraction <= 19 || digits == 0 && fraction <= 19
    else { return .nan }
    if fraction <= 16 {
      // Two words independently of each other.
      let firstCount = min(fraction, 8)
      let first =
        digitValues(bytes, point &+ 1) &<< UInt64(truncatingIfNeeded: 64 &- 8 &* firstCount)
      digits = digits &* powersOfTen[firstCount] &+ number(ofEight: first)
      var others = nonDigits(first)
      if fraction > 8 {
        let second =
          digitValues(bytes, point &+ 9) &<< UInt64(truncatingIfNeeded: 128 &- 8 &* fraction)
        digits = digits &* powersOfTen[fraction &- 8] &+ number(ofEight: second)
        others |= nonDigits(second)
      }
      guard others == 0 else { return .nan }
    } else {
      guard readDigits(bytes, from: point &+ 1, to: length, into: &digits) == length else {
        return .nan
      }
    }
    return quotient(digits, byPowerOfTen: fraction)
  }

  /// Appends the digits from an index on to a number, which wraps on overflow.
  ///
  /// - Returns: The index past the last digit.
  @inline(never)
  private static func readDigits(_ bytes: UnsafeRawPointer, from start: Int, to end: Int, into digits: inout UInt64) -> Int {
    var index = start
    while true {
      let word = digitValues(bytes, index)
      let run = min(nonDigits(word).trailingZeroBitCount &>> 3, end &- index)
      if run == 0 { return index }
      digits = digits &* powersOfTen[run] &+ number(first: run, of: word)
      index &+= run
      if run < 8 { return index }
    }
  }

  /// Returns eight bytes, the first in the lowest byte, with digits as numbers from 0 to 9.
  @inline(__always)
  private static func digitValues(_ bytes: UnsafeRawPointer, _ index: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
      ^ 0x3030_3030_3030_3030
  }

  /// Sets the high bit of the first byte that is greater than 9; 0 if there is none. Carries set bits of others after it.
  @inline(__always)
  private static func nonDigits(_ word: UInt64) -> UInt64 {
    ((word &+ 0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080
  }

  /// Returns the number that the first bytes of a word make, from 1 to 8 of them.
  @inline(__always)
  private static func number(first count: Int, of word: UInt64) -> UInt64 {
    number(ofEight: word &<< UInt64(truncatingIfNeeded: 64 &- 8 &* count))
  }

  /// Combines digits to pairs, pairs to fours, and fours to eight digits.
  @inline(__always)
  private static func number(ofEight word: UInt64) -> UInt64 {
    let pairs = (word &* 10 &+ word &>> 8) & 0x00ff_00ff_00ff_00ff
    let fours = ((pairs &* 6_553_601) &>> 16) & 0x0000_ffff_0000_ffff
    return (fours &* 42_949_672_960_001) &>> 32
  }

  /// Parses with the standard library, but only texts of digits, points and exponents.
  private static func parseSlowly(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    let letters: [UInt8] = [
      UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "e"), UInt8(ascii: "E"),
    ]
    guard text.first != UInt8(ascii: "-"), text.first != UInt8(ascii: "+"),
      text.allSatisfy({ $0 &- 48 < 10 || letters.contains($0) })
    else { return nil }
    return Double(String(decoding: text, as: UTF8.self))
  }

  // Lists of literals need no check at each access whether they have been computed.
  private static let powersOfTen: [UInt64] = [
    1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000,
    1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000,
    100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
  ]

  private static let exactPowersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
  ]

  /// Returns the double nearest to a number divided by a power of ten.
  ///
  /// - Parameter power: The power of ten, from 0 to 19.
  @inline(__always)
  private static func quotient(_ number: UInt64, byPowerOfTen power: Int) -> Double {
    // Both numbers are exact as doubles, so their quotient is rounded only once.
    if number < 1 << 53 {
      let exact = Double(Int64(truncatingIfNeeded: number))
      return power == 0 ? exact : exact / exactPowersOfTen[power]
    }
    return longQuotient(number, byPowerOfTen: power)
  }

  @inline(never)
  private static func longQuotient(_ number: UInt64, byPowerOfTen power: Int) -> Double {
    let divisor = powersOfTen[power]
    let numberZeros = number.leadingZeroBitCount
    let divisorZeros = divisor.leadingZeroBitCount
    let dividend = number << numberZeros
    let (quotient, remainder) = (divisor << divisorZeros).dividingFullWidth((dividend >> 1, dividend << 63))
    let zeros = quotient.leadingZeroBitCount
    return double(quotient << zeros, isInexact: remainder != 0, exponent: divisorZeros - numberZeros - 63 - zeros)
  }

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
    guard lowest <= 971 else { return .infinity }
    // The lowest bit of the double has the place value 2^-1074 in the first two of its binades. A bit in place 52, and one that
    // rounding carries into place 53, raise the exponent.
    return Double(bitPattern: UInt64(lowest + 1074) << 52 + kept)
  }

  /// Returns a number rounded to some decimals, with halves rounded away from zero.
  static func rounded(_ number: Double, decimals: Int) -> Double {
    let scale = exactPowersOfTen[decimals]
    return (number * scale).rounded(.toNearestOrAwayFromZero) / scale
  }
}
