import Testing
import ValueStreamCore

@testable import Aggregates

@Suite("Decimal numbers")
struct DecimalTests {
  private static func parse(_ text: String) -> Double? {
    PaddedText.withBytes(of: text) { Decimal.parse($0) }
  }

  @Test(
    "are read correctly rounded",
    arguments: [
      "0", "-0", "1", "98687", "27.413055555555555", "0.0043369440757141265", "230.58177570093457", "9007199254740993",
      "9007199254740993.0", "9007199254740992.5", "18446744073709551615", "9999999999999999999", "0.1234567890123456789",
      "1234567890.1234567890123456789", "1e22", "1.5E-7", "+3.25", "5e-324", "1.7976931348623157e308", "0.00000000000000000001",
      "00000000000000000000000012.5", ".5", "5.", "-.5",
    ])
  func known(text: String) {
    // `Double` rejects a sign directly before the decimal point.
    #expect(Self.parse(text) == (Double(text) ?? (text == "-.5" ? -0.5 : Double("0\(text)"))), "\(text)")
  }

  @Test("in any form that programs print", arguments: 0..<20 as Range<UInt64>)
  func random(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<500 {
      let number = Double(Int64.random(in: 1...5_000_000, using: &random)) / Double(Int64.random(in: 1...7000, using: &random))
      #expect(Self.parse(number.description) == number)
      let digits = String(Int64.random(in: 0...Int64.max, using: &random))
      let point = digits.index(digits.startIndex, offsetBy: Int.random(in: 0...digits.count, using: &random))
      let text = "0\(digits[..<point]).\(digits[point...])0"
      #expect(Self.parse(text) == Double(text), "\(text)")
    }
  }

  @Test("whatever bytes follow, and with any count of digits on both sides of the point", arguments: 0..<40 as Range<UInt64>)
  func lengths(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    func digits(_ greatest: Int) -> String {
      String((0..<Int.random(in: 0...greatest, using: &random)).map { _ in "00123456789".randomElement(using: &random) ?? "0" })
    }
    for _ in 0..<500 {
      let sign = ["", "", "-", "+"].randomElement(using: &random) ?? ""
      let whole = digits(22)
      let text = sign + (random.oneIn(3) ? whole : "\(whole).\(digits(22))") + (random.oneIn(10) ? "e-7" : "")
      // The standard library rejects a sign before a point, and a point alone.
      let hasDigits = text.contains { $0.isNumber } && text.first { $0 != "-" && $0 != "+" } != "e"
      let standard = Double(sign + "0" + text.dropFirst(sign.count))
      let expected =
        hasDigits && (whole.isEmpty == false || text.dropFirst(sign.count + 1).first?.isNumber == true) ? standard : nil
      for padding: Character in ["7", ".", "e", "\u{0}"] {
        let read = PaddedText.withBytes(of: text, padding: padding) { Decimal.parse($0) }
        #expect(read?.bitPattern == expected?.bitPattern, "\(text) before \(padding)")
      }
    }
  }

  @Test(
    "nothing else is a number",
    arguments: ["", "-", ".", "1.2.3", "1,5", "0x10", "nan", "inf", "1e", "12a", " 1", "--1", "1_000"])
  func others(text: String) {
    #expect(Self.parse(text) == nil)
  }

  @Test(
    "rounded away from zero at a half",
    arguments: [(0.25, 1, 0.3), (-0.25, 1, -0.3), (2.0 / 3, 2, 0.67), (0.5, 0, 1), (0.04, 1, 0)] as [(Double, Int, Double)])
  func rounded(number: Double, decimals: Int, expected: Double) {
    #expect(Decimal.rounded(number, decimals: decimals) == expected)
  }
}
