/// An exact sum of finite doubles, which therefore depends neither on their order nor on how they are split among
/// threads.
struct ExactSum: Sendable {
  /// The sum times 2^76, except for what ``wide`` holds. It has room for sums up to 2^50 and for all digits of
  /// numbers from 2^-24 on, which covers the usual values.
  private var near: Int128 = 0
  /// The sum in units of the smallest double, in two's complement with the low word first. Empty until a number needs
  /// it.
  private var wide: [UInt64] = []

  private static let nearScale = 76
  /// The smallest double is 2^-1074.
  private static let wideScale = 1074
  /// Room for the greatest double 2^64 times, and for a sign.
  private static let wideWords = (wideScale + 1024 + 64) / 64 + 1

  /// A sum of up to 512 numbers of usual size that are not negative, cheap to begin and to add to.
  struct Near {
    /// The sum times 2^76.
    fileprivate var sum: Int128 = 0

    static let greatestCount = 512

    /// Adds a number, unless it is too large, too small or negative.
    ///
    /// - Returns: False if the number has not been added.
    @inline(__always)
    mutating func add(_ value: Double) -> Bool {
      // By how much to shift the significand. A set sign bit makes it too large.
      let shift = value.bitPattern >> 52 &- UInt64(1075 - ExactSum.nearScale)
      // The shifted significand has at most 53 + 63 bits, so that 512 of them cannot overflow.
      guard shift < 64 else { return false }
      let significand = value.significandBitPattern | 1 << 52
      // Two shifts, as one by 64 would be none.
      let high = (significand &>> 1) &>> (63 &- shift)
      sum &+= Int128(high) &<< 64 | Int128(significand &<< shift)
      return true
    }
  }

  /// The number of places to which a significand can be shifted in ``near``.
  private static let nearShifts = 74

  /// Adds a number. Infinities and NaN are ignored.
  mutating func add(_ value: Double) {
    if value == 0 || !value.isFinite { return }
    // The value is its significand times 2 to the power of this exponent.
    let exponent = value.isNormal ? Int(value.exponentBitPattern) - 1075 : -1074
    let magnitude = value.significandBitPattern | (value.isNormal ? 1 << 52 : 0)
    let significand = value.sign == .minus ? -Int128(magnitude) : Int128(magnitude)
    let shift = exponent + Self.nearScale
    if shift >= -magnitude.trailingZeroBitCount, shift < Self.nearShifts {
      let (sum, overflow) = near.addingReportingOverflow(shift >= 0 ? significand << shift : significand >> -shift)
      if !overflow {
        near = sum
        return
      }
    }
    addWide(significand, shiftedBy: exponent + Self.wideScale)
  }

  mutating func add(_ other: Near) {
    let (sum, overflow) = near.addingReportingOverflow(other.sum)
    if overflow {
      addWide(other.sum, shiftedBy: Self.wideScale - Self.nearScale)
    } else {
      near = sum
    }
  }

  mutating func add(_ other: ExactSum) {
    add(Near(sum: other.near))
    if other.wide.isEmpty { return }
    makeWide()
    var carry = false
    for index in wide.indices { carry = Self.add(other.wide[index], to: &wide[index], carrying: carry) }
  }

  /// The double nearest to the sum, with ties to even.
  var value: Double {
    if wide.isEmpty { return Self.nearest(to: near) }
    var all = self
    all.addWide(near, shiftedBy: Self.wideScale - Self.nearScale)
    return Self.nearest(to: all.wide)
  }

  /// Returns the double nearest to a number in units of 2^-76, with ties to even.
  private static func nearest(to near: Int128) -> Double {
    let magnitude = near.magnitude
    if magnitude == 0 { return 0 }
    // The highest 64 bits decide how to round, and whether any lower bit is set.
    let zeros = magnitude.leadingZeroBitCount
    let shifted = magnitude << UInt128(zeros)
    let double = Decimal.double(
      UInt64(truncatingIfNeeded: shifted >> 64),
      isInexact: UInt64(truncatingIfNeeded: shifted) != 0,
      exponent: 64 - zeros - nearScale)
    return near < 0 ? -double : double
  }

  // MARK: Wide sums

  private mutating func makeWide() {
    if wide.isEmpty { wide = [UInt64](repeating: 0, count: Self.wideWords) }
  }

  private mutating func addWide(_ number: Int128, shiftedBy shift: Int) {
    makeWide()
    let (word, bit) = (shift / 64, shift % 64)
    let low = UInt64(truncatingIfNeeded: number)
    let high = UInt64(truncatingIfNeeded: number >> 64)
    let sign: UInt64 = number < 0 ? .max : 0
    let shifted =
      bit == 0
      ? [low, high, sign] : [low << bit, high << bit | low >> (64 - bit), sign << bit | high >> (64 - bit)]
    var carry = false
    for index in word..<wide.count {
      carry = Self.add(index - word < 3 ? shifted[index - word] : sign, to: &wide[index], carrying: carry)
    }
  }

  private static func add(_ addend: UInt64, to word: inout UInt64, carrying carry: Bool) -> Bool {
    let (sum, first) = word.addingReportingOverflow(addend)
    let (total, second) = sum.addingReportingOverflow(carry ? 1 : 0)
    word = total
    return first || second
  }

  /// Returns the double nearest to a wide number, with ties to even.
  ///
  /// - Parameter words: The number in units of the smallest double, in two's complement with the low word first.
  private static func nearest(to words: [UInt64]) -> Double {
    let isNegative = (words.last ?? 0) >> 63 == 1
    var words = words
    if isNegative {
      var carry = true
      for index in words.indices {
        var word: UInt64 = 0
        carry = add(~words[index], to: &word, carrying: carry)
        words[index] = word
      }
    }
    guard let top = words.lastIndex(where: { $0 != 0 }) else { return 0 }
    // The highest 64 bits decide how to round. The last of them is also set if any lower bit is set (a sticky bit).
    let zeros = words[top].leadingZeroBitCount
    var head = words[top] << zeros
    var rest: UInt64 = 0
    if top > 0 {
      if zeros > 0 { head |= words[top - 1] >> (64 - zeros) }
      rest = zeros > 0 ? words[top - 1] << zeros : words[top - 1]
      for word in words[..<(top - 1)] { rest |= word }
    }
    let exponent = top * 64 - zeros - wideScale
    let magnitude = Decimal.double(head, isInexact: rest != 0, exponent: exponent)
    return isNegative ? -magnitude : magnitude
  }
}
