import Catalog
import Foundation
import SourceFixtures
import Testing
import ValueStreamCore

/// Every source replaces JSON values that no Swift type can hold and reads the rest.
@Suite("Unreadable values in deliveries")
struct UnreadValuesTests {
  /// Inserted values, each with the JSON that a source reads in its place.
  private static let values = [("1e400", "null"), ("-18446744073709551616", "null"), (#""a\ud800""#, #""a\ufffd""#)]

  @Test(
    "a delivery with such values anywhere means what it means with null in their place", arguments: SourceCatalog.all.map(\.name))
  func readAround(name: String) throws {
    let factory = try #require(SourceCatalog.factory(named: name))
    let source = factory.plain
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("\(factory.module)Tests/Fixtures").path
    let files = try FileManager.default.contentsOfDirectory(atPath: fixtures).filter { $0.hasSuffix(".json") }.sorted()
    let received = try #require(Timestamp(rfc3339: "2024-03-05T10:00:00Z"))
    var compared = 0
    for (number, file) in files.enumerated() {
      let text = try String(contentsOfFile: "\(fixtures)/\(file)", encoding: .utf8)
      let headers = factory.headers(ofFixture: file)
      func meaning(_ text: String) throws(PayloadError) -> Interpretation {
        try source.events(in: Delivery(source: source.name, received: received, headers: headers, body: Array(text.utf8)))
      }
      var random = SeededRandom(seed: UInt64(number))
      for (value, replacement) in Self.values {
        let places = Self.beginningsOfObjects(text)
        guard let place = places.randomElement(using: &random) else { continue }
        var (with, without) = (text, text)
        let index = text.utf8.index(text.startIndex, offsetBy: place)
        with.insert(contentsOf: #""beyond \#(value.count)":\#(value),"#, at: index)
        without.insert(contentsOf: #""beyond \#(value.count)":\#(replacement),"#, at: index)
        let expected = Result { () throws(PayloadError) in try meaning(without) }
        #expect(Result { () throws(PayloadError) in try meaning(with) } == expected, "\(file) at \(place)")
        compared += 1
      }
    }
    #expect(compared > 10)
  }

  /// The offsets at which a member can be inserted before the first member of an object.
  private static func beginningsOfObjects(_ text: String) -> [Int] {
    var (places, isInText, isEscaped) = ([Int](), false, false)
    let bytes = Array(text.utf8)
    for (index, byte) in bytes.enumerated() {
      if isInText {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInText = false
        }
      } else if byte == UInt8(ascii: "\"") {
        isInText = true
      } else if byte == UInt8(ascii: "{") {
        let next = bytes[(index + 1)...].first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
        if next == UInt8(ascii: "\"") { places.append(index + 1) }
      }
    }
    return places
  }
}
