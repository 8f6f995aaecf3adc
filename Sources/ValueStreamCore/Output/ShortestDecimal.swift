/// Formats numbers as decimal digits.
package enum ShortestDecimal {
  /// The shortest text without an exponent that parses to the same number: `0.00001`, `428`.
  ///
  /// Empty for infinite numbers and NaN.
  package static func text(_ number: Double) -> String {
    if number == 0 || !number.isFinite { return number == 0 ? "0" : "" }
    if number.magnitude < 0x1p53 {
      if let whole = Int64(exactly: number) { return String(whole) }
      // `description` has an exponent below this number, and from 2^54 on.
      if number.magnitude >= 0.0001 { return number.description }
    }
    let description = number.magnitude.description
    if !description.utf8.contains(UInt8(ascii: "e")) {
      return (number < 0 ? "-" : "") + (description.hasSuffix(".0") ? description.dropLast(2) : description[...])
    }
    let parts = description.split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let fraction = mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : ""
    var digits = String(mantissa[0]) + fraction
    var point = mantissa[0].count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    if point <= 0 {
      digits = String(repeating: "0", count: 1 - point) + digits
      point = 1
    } else if point > digits.count {
      digits += String(repeating: "0", count: point - digits.count)
    }
    let whole = digits.prefix(point)
    let rest = digits.dropFirst(point)
    return (number < 0 ? "-" : "") + whole + (rest.isEmpty ? "" : ".\(rest)")
  }
}
