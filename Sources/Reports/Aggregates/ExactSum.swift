/// The sum of any number of finite doubles without an error, so that their order and any partition of them do not matter.
struct ExactSum: Sendable {
  /// What 2 to the power of 76 times the sum is, apart from what ``wide`` holds: room for 2 to the 50 and for all digits of
  /// numbers from 2 to the -24 on, which are those that occur.
  private var near: Int128 = 0
  /// The sum in units of the least double, in two's complement and the low word first; empty until a number needs it.
  private var wide: [UInt64] = []

  private static let nearScale = 76
  /// The least double is 2 to the -1074.
  private static let wideScale = 1074
  /// Room for the greatest double, 2 to the 64 times over, and a sign.
  private static let wideWords = (wideScale + 1024 + 64) / 64 + 1

  /// Nothing is added for what is not finite.
  mutating func add(_ value: Double) {
    if value == 0 || !value.isFinite { return }
    // The value is its significand times 2 to the power of this.
    let exponent = value.isNormal ? Int(value.exponentBitPattern) - 1075 : -1074
    let magnitude = value.significandBitPattern | (value.isNormal ? 1 << 52 : 0)
    let significand = value.sign == .minus ? -Int128(magnitude) : Int128(magnitude)
    let shift = exponent + Self.nearScale
    if shift >= -magnitude.trailingZeroBitCount, shift < 74 {
      let (sum, overflow) = near.addingReportingOverflow(shift >= 0 ? significand << shift : significand >> -shift)
      if !overflow {
        near = sum
        return
      }
    }
    addWide(significand, shiftedBy: exponent + Self.wideScale)
  }

  mutating func add(_ other: ExactSum) {
    let (sum, overflow) = near.addingReportingOverflow(other.near)
    if overflow {
      addWide(other.near, shiftedBy: Self.wideScale - Self.nearScale)
    } else {
      near = sum
    }
    if other.wide.isEmpty { return }
    makeWide()
    var carry = false
    for index in wide.indices { carry = Self.add(other.wide[index], to: &wide[index], carrying: carry) }
  }

  /// The double nearest to the sum, of two equally near ones the even one.
  var value: Double {
    if wide.isEmpty {
      return Self.nearest(to: [UInt64(truncatingIfNeeded: near), UInt64(truncatingIfNeeded: near >> 64)], scale: Self.nearScale)
    }
    var all = self
    all.addWide(near, shiftedBy: Self.wideScale - Self.nearScale)
    return Self.nearest(to: all.wide, scale: Self.wideScale)
  }

  // MARK: Words

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

  /// - Parameter words: the number times 2 to the power of `scale`.
  private static func nearest(to words: [UInt64], scale: Int) -> Double {
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
    // The highest 64 bits, the last of which also stands for all below, decide how to round.
    let zeros = words[top].leadingZeroBitCount
    var head = words[top] << zeros
    var rest: UInt64 = 0
    if top > 0 {
      if zeros > 0 { head |= words[top - 1] >> (64 - zeros) }
      rest = zeros > 0 ? words[top - 1] << zeros : words[top - 1]
      for word in words[..<(top - 1)] { rest |= word }
    }
    let exponent = top * 64 - zeros - scale
    let magnitude = Decimal.double(head, isInexact: rest != 0, exponent: exponent)
    return isNegative ? -magnitude : magnitude
  }
}
