/// How a file separates its values, told by its beginning.
///
/// Spreadsheets write semicolons where the decimal separator is a comma, tabs as "Unicode text", and a first line such as `sep=;` that
/// names the separator. Of comma, semicolon and tab, the one that occurs most often in the row of column names counts.
struct CSVDialect: Equatable {
  /// Between the fields of a row.
  private(set) var separator = comma
  /// Bytes of the line `sep=…`, which is no row; 0 where there is none.
  private(set) var preambleCount = 0
  /// True when lines end with a carriage return and no line feed, as programs of the old Macintosh write them.
  private(set) var hasBareCarriageReturns = false

  static let comma = UInt8(ascii: ",")
  private static let candidates = [comma, UInt8(ascii: ";"), UInt8(ascii: "\t")]

  /// - Parameter beginning: of the file, without a byte order mark, at least up to the end of its row of column names.
  init(_ beginning: UnsafeBufferPointer<UInt8>) {
    let stated = Self.statedSeparator(in: beginning)
    if let stated { (separator, preambleCount) = stated }
    var counts = [Int](repeating: 0, count: Self.candidates.count)
    var isWithinQuotes = false
    var last: UInt8 = 0
    for byte in beginning[preambleCount...] {
      if byte == UInt8(ascii: "\"") { isWithinQuotes.toggle() }
      if !isWithinQuotes {
        if byte == UInt8(ascii: "\n") { break }
        if last == UInt8(ascii: "\r") { hasBareCarriageReturns = true }
        if let index = Self.candidates.firstIndex(of: byte) { counts[index] += 1 }
      }
      last = byte
    }
    guard stated == nil, let most = counts.max(), let index = counts.firstIndex(of: most) else { return }
    separator = Self.candidates[index]
  }

  /// What a first line `sep=;` says, and how many bytes it takes.
  private static func statedSeparator(in beginning: UnsafeBufferPointer<UInt8>) -> (separator: UInt8, count: Int)? {
    let word = Array("sep=".utf8)
    guard beginning.count > word.count + 1, beginning[..<word.count].map({ $0 | 0x20 }) == word.map({ $0 | 0x20 }) else {
      return nil
    }
    let separator = beginning[word.count]
    let rest = beginning[(word.count + 1)...].prefix(2)
    let isSeparator = !separatorsThatCannotBe.contains(separator) && separator < 0x80
    guard isSeparator, let end = rest.firstIndex(of: UInt8(ascii: "\n")), rest[..<end].allSatisfy({ $0 == UInt8(ascii: "\r") })
    else {
      return nil
    }
    return (separator, end + 1)
  }

  private static let separatorsThatCannotBe = Array("\"\r\n".utf8)
}
