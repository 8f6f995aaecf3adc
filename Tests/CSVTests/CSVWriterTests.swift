import CSV
import Testing

struct CSVWriterTests {
  @Test(arguments: [
    (["a", "", "c"], "a,,c\n"),
    (["a,b", "say \"yes\"", "two\nlines", "old\r\nlines"], "\"a,b\",\"say \"\"yes\"\"\",\"two\nlines\",\"old\r\nlines\"\n"),
    ([" leading", "trailing ", "a\ttab"], "\" leading\",trailing ,a\ttab\n"),
    (["größer", "日本"], "größer,日本\n"),
    ([], "\n"),
  ])
  func quotesOnlyWhatMustBeQuoted(fields: [String], line: String) {
    var writer = CSVWriter()
    writer.row(fields)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == line)
  }

  @Test(
    "what a spreadsheet would run is marked as text, and numbers stay numbers",
    arguments: [
      ("=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1"), ("@sum(1)", "'@sum(1)"), ("+1+2", "'+1+2"), ("-fix", "'-fix"), ("-", "'-"),
      ("\ttab", "\"'\ttab\""), ("=a,b", "\"'=a,b\""), ("-5", "-5"), ("+1.5", "+1.5"), ("-1e3", "-1e3"), ("a=b", "a=b"),
      ("'=", "'="),
    ])
  func formulas(text: String, written: String) {
    var writer = CSVWriter()
    writer.row([text])
    #expect(String(decoding: writer.bytes, as: UTF8.self) == "\(written)\n")
    var keeping = CSVWriter(keepsFormulas: true)
    keeping.row([text])
    #expect(!String(decoding: keeping.bytes, as: UTF8.self).contains("'\(text.first ?? " ")") || text.hasPrefix("'"))
  }

  @Test func canBeEmptiedWithinARow() {
    var writer = CSVWriter()
    writer.field("a")
    #expect(writer.take() == Array("a".utf8))
    writer.field("b")
    writer.endRow()
    #expect(writer.take() == Array(",b\n".utf8))
    #expect(writer.bytes.isEmpty)
  }
}
