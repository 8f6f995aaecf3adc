import CSV
import Testing

@Suite("A table of comma-separated values in memory")
struct CSVTableTests {
  @Test(
    "has the columns of the header and the fields of each row",
    arguments: [
      ("a,b\n1,2\n", [["1", "2"]]), ("\u{FEFF}a,b\r\n\"x \"\"y\"\"\",\"1\n2\"\r\n", [["x \"y\"", "1\n2"]]), ("a,b\n", []),
      ("a,b", []),
      ("a,b\n,\né,\"\"", [["", ""], ["é", ""]]),
    ])
  func rows(text: String, expected: [[String]]) throws {
    let table = try CSVTable(Array(text.utf8), name: "report")
    #expect(table.columns == ["a", "b"])
    #expect(table.rows == expected)
  }

  @Test("of many blocks has all rows, in order")
  func many() throws {
    let rows = (0..<60_000).map { ["row \($0)", String($0 * 7)] }
    var writer = CSVWriter()
    writer.row(["a", "b"])
    for row in rows { writer.row(row) }
    #expect(try CSVTable(writer.bytes, name: "report").rows == rows)
  }

  @Test(
    "that cannot be read is named with the line",
    arguments: [
      ("a,b\n1\n", "report, line 2: there are 1 fields and 2 columns"),
      ("a,b\n1,2\n1,2,3\n", "report, line 3: there are 3 fields"),
      ("a,b\n\"1,2\n", "report, line 2: a quote is not closed"), ("", "report, line 1: there is no first row"),
    ])
  func problems(text: String, says: String) {
    let error = #expect(throws: CSVError.self) { try CSVTable(Array(text.utf8), name: "report") }
    #expect(error.map { "\($0)".hasPrefix(says) } == true, "\(error.map { "\($0)" } ?? "")")
  }
}
