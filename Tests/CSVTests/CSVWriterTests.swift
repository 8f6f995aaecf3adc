import CSV
import Testing

struct CSVWriterTests {
  @Test(arguments: [
    (["a", "", "c"], "a,,c\n"),
    (["a,b", "say \"yes\"", "two\nlines", "old\r\nlines"], "\"a,b\",\"say \"\"yes\"\"\",\"two\nlines\",\"old\r\nlines\"\n"),
    ([" leading", "trailing ", "\ttab"], "\" leading\",trailing ,\"\ttab\"\n"),
    (["größer", "日本"], "größer,日本\n"),
    ([], "\n"),
  ])
  func quotesOnlyWhatMustBeQuoted(fields: [String], line: String) {
    var writer = CSVWriter()
    writer.row(fields)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == line)
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
