import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import PayloadReading

@Suite("JSON documents") struct JSONDocumentTests {
  private func document(_ text: String) throws -> JSONDocument { try JSONDocument(Array(text.utf8)) }

  @Test(
    "values that no type can hold do not cost the rest of the document",
    arguments: [
      (#"{"a":99999999999999999999,"b":1}"#, ["$.a"]), (#"{"a":-9223372036854775809,"b":1}"#, ["$.a"]),
      (#"{"a":1e400,"b":1}"#, ["$.a"]), (#"{"a":-1.5E+999,"b":1}"#, ["$.a"]),
      (#"{"c":[{"d":1},{"d":123456789012345678901234567890}],"b":1}"#, ["$.c[1].d"]),
      (#"{"a":{"x":[1,2,1e999,-1e999]},"b":1}"#, ["$.a.x[2]", "$.a.x[3]"]),
    ])
  func numbers(text: String, paths: [String]) throws {
    let document = try document(text)
    #expect(document.root["b"]?.int == 1)
    #expect(document.unread.paths == paths)
    #expect(document.unread.count == paths.count)
    if let a = document.root["a"], !a.isObject { #expect(a.isNull) }
  }

  @Test(
    "half a character is read as U+FFFD",
    arguments: [
      (#"\ud800"#, "\u{FFFD}"), (#"x\uDC00y"#, "x\u{FFFD}y"), (#"\ud83dx"#, "\u{FFFD}x"), (#"\ud83d\ud83d\ude80"#, "\u{FFFD}🚀"),
      (#"\\\ud800"#, "\\\u{FFFD}"), (#"\ud800\n"#, "\u{FFFD}\n"), (#"\ud800\u0041"#, "\u{FFFD}A"),
    ])
  func surrogates(escaped: String, text: String) throws {
    let document = try document(#"{"title":"\#(escaped)","n":7}"#)
    #expect(document.root["title"]?.string == text)
    #expect(document.root["n"]?.int == 7)
    #expect(document.unread.paths == ["$.title"])
  }

  @Test("a name with half a character is another name, and the document is read")
  func surrogateInName() throws {
    let document = try document(#"{"\ud800":1,"n":7}"#)
    #expect(document.root["n"]?.int == 7)
    #expect(document.unread.count == 1)
  }

  @Test(
    "what is good is read as it stands, and nothing is said of it",
    arguments: [
      #"{"a":18446744073709551615}"#, #"{"a":-9223372036854775808}"#, #"{"a":1e308}"#, #"{"a":1e-400}"#, #"{"a":"\u0000"}"#,
      #"{"a":"\ud83d\ude80 1e400 99999999999999999999"}"#,
    ])
  func good(text: String) throws {
    let document = try document(text)
    #expect(document.unread.count == 0)
    #expect(document.root["a"]?.isNull == false)
  }

  @Test(
    "what is no JSON is refused still",
    arguments: [
      #"{"a":1e400"#, #"{"a":01}"#, #"{"a":1e400,}"#, #"{"a":1e4000x}"#, #"{"a":"\ud800}"#, #"{"a":"\ud8"}"#, "1e400]", "[1e400}",
      #"{"a":"\q\ud800"}"#, "-99999999999999999999-", #"{"a":.1e999}"#, #"["\ud800"#, #"["\"#,
    ])
  func broken(text: String) {
    #expect(throws: PayloadError.self) { try document(text) }
  }

  @Test("reading a list costs nothing before it is cut, and a document of nothing but values is refused")
  func manyValues() throws {
    let list = "[" + String(repeating: "1,", count: 1 << 20) + "1]"
    #expect(throws: PayloadError.self) { try document(list) }
    let objects = String(repeating: "{},", count: 100_000)
    let object = try PayloadObject(root: try document(#"{"a":["# + objects + "{}]}"))
    #expect(object.objects("a").count == 1000)
    #expect(object.value["a"]?.elements.count == 100_001)
  }

  @Test("the first ten thousand members of an object are looked at")
  func manyMembers() throws {
    let members = (0..<20_000).map { #""m\#($0)":\#($0)"# }.joined(separator: ",")
    let root = try document("{\(members)}").root
    #expect(root["m9999"]?.int == 9999)
    #expect(root["m10000"] == nil)
    #expect(root.members.reduce(0) { count, _ in count + 1 } == JSONDocument.memberLimit)
  }

  /// Checks random documents with unreadable values at random places.
  @Test("a document with unreadable values reads as one with nulls in their place", arguments: 0..<200 as Range<UInt64>)
  func random(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var count = 0
    let (with, without) = Self.value(&random, depth: 0, &count)
    let read = try document(with)
    #expect(Self.text(read.root) == Self.text(try document(without).root), "\(with)")
    #expect(read.unread.count == count)
    #expect(try document(without).unread.count == 0)
  }

  /// Returns a random document with unreadable values, and the same document with their replacements.
  private static func value(_ random: inout SeededRandom, depth: Int, _ count: inout Int) -> (with: String, without: String) {
    switch Int.random(in: 0..<(depth > 4 ? 7 : 9), using: &random) {
    case 0: return ("null", "null")
    case 1: return ("-12.5e3", "-12.5e3")
    case 2: return (#""a\\\"\n[{1e400,""#, #""a\\\"\n[{1e400,""#)
    case 3, 4:
      count += 1
      let unreadable = ["1e400", "-1E+999", "18446744073709551616", "-9223372036854775809", "1.0e309"]
      return (unreadable[Int.random(in: 0..<5, using: &random)], "null")
    case 5:
      count += 1
      return (#""x\\\udfff\ud83d\ude80""#, #""x\\\ufffd\ud83d\ude80""#)
    case 6: return ("true", "true")
    case 7:
      let elements = (0..<Int.random(in: 0..<5, using: &random)).map { _ in value(&random, depth: depth + 1, &count) }
      return ("[\(elements.map(\.with).joined(separator: " , "))]", "[\(elements.map(\.without).joined(separator: ","))]")
    default:
      let members = (0..<Int.random(in: 0..<5, using: &random)).map { ("\"k\($0)\" :", value(&random, depth: depth + 1, &count)) }
      return (
        "{\(members.map { $0.0 + $0.1.with }.joined(separator: ","))}",
        "{\(members.map { $0.0 + $0.1.without }.joined(separator: ","))}"
      )
    }
  }

  private static func text(_ value: JSONValue) -> String {
    if value.isObject { return "{\(value.members.map { "\($0.name):\(text($0.value))" }.joined(separator: ","))}" }
    if value.isArray { return "[\(value.elements.map(text).joined(separator: ","))]" }
    return value.string ?? value.double.map { "\($0)" } ?? value.bool.map { "\($0)" } ?? "null"
  }
}
