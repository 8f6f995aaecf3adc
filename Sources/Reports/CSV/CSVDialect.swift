/// The separator and line ends of a file, detected from its beginning.
///
/// Spreadsheets write semicolons where the decimal separator is a comma, tabs as "Unicode text", and sometimes a
/// first line such as `sep=;` that names the separator. Without that line, the separator is the one of comma,
/// semicolon and tab that is most frequent in the header.
struct CSVDialect: Equatable {
  /// The byte between the fields of a row.
  private(set) var separator = comma
  /// The length of the line `sep=…` in bytes, which is not a row; 0 if there is none.
  private(set) var preambleCount = 0
  /// True if lines end with a carriage return without a line feed, as classic Mac OS programs write them.
  private(set) var hasBareCarriageReturns = false

  static let comma = UInt8(ascii: ",")
  private static let candidates = [comma, UInt8(ascii: ";"), UInt8(ascii: "\t")]

  /// Detects the dialect of a file.
  ///
  /// - Parameter beginning: The beginning of the file without its byte order mark, at least to the end of the header
  ///   row.
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

  /// Returns the separator of a first line `sep=;` and the length of that line in bytes; nil if there is no such
  /// line.
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
