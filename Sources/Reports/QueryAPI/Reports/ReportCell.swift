import CSV
import ValueStreamCore

/// A value in a report, the same in JSON and CSV.
enum ReportCell: Sendable, Hashable {
  case number(Double)
  case integer(Int)
  case text(String)
  case texts([String])
  case time(Timestamp)
  case flag(Bool)

  func write(to json: inout JSONWriter) {
    switch self {
    case .number(let number): json.value(number)
    case .integer(let number): json.value(Int64(number))
    case .text(let text): json.value(text)
    case .texts(let texts): json.array(texts) { $0.value($1) }
    case .time(let time): json.value(time.rfc3339)
    case .flag(let flag): json.value(flag)
    }
  }

  /// The text in CSV. Lists are separated by spaces.
  var text: String {
    switch self {
    case .number(let number): number.isFinite ? ShortestDecimal.text(number) : ""
    case .integer(let number): String(number)
    case .text(let text): text
    case .texts(let texts): texts.joined(separator: " ")
    case .time(let time): time.rfc3339
    case .flag(let flag): flag ? "true" : "false"
    }
  }
}

/// What kind of value a field of a report holds.
enum ReportCellKind: Sendable, Hashable {
  case number, integer, time, flag, texts
  case text(choices: [String] = [])

  static let text = ReportCellKind.text()

  var schema: JSONSchema {
    switch self {
    case .number: .number
    case .integer: .integer
    case .time: .time
    case .flag: .boolean
    case .texts: .array(of: .text())
    case .text(let choices): .text(choices: choices)
    }
  }
}

/// A named value of a metric or row, declared once for JSON, CSV and the OpenAPI description.
struct ReportField<Value>: Sendable {
  var name: String
  var kind: ReportCellKind
  var help: String
  /// True if the metric also tells the value of the previous period.
  var isCompared: Bool
  var isNullable: Bool
  var cell: @Sendable (Value) -> ReportCell?

  init(
    _ name: String, _ kind: ReportCellKind, _ help: String, isCompared: Bool = false, isNullable: Bool = true,
    cell: @escaping @Sendable (Value) -> ReportCell?
  ) {
    self.name = name
    self.kind = kind
    self.help = help
    self.isCompared = isCompared
    self.isNullable = isNullable
    self.cell = cell
  }

  static func number(
    _ name: String, _ help: String, isCompared: Bool = false, _ value: @escaping @Sendable (Value) -> Double?
  ) -> ReportField {
    ReportField(name, .number, help, isCompared: isCompared) { value($0).map { .number($0) } }
  }

  static func integer(
    _ name: String, _ help: String, isCompared: Bool = false, _ value: @escaping @Sendable (Value) -> Int
  ) -> ReportField {
    ReportField(name, .integer, help, isCompared: isCompared, isNullable: false) { .integer(value($0)) }
  }

  static func optionalInteger(_ name: String, _ help: String, _ value: @escaping @Sendable (Value) -> Int?) -> ReportField {
    ReportField(name, .integer, help) { value($0).map { .integer($0) } }
  }

  static func text(
    _ name: String, _ help: String, choices: [String] = [], _ value: @escaping @Sendable (Value) -> String?
  ) -> ReportField {
    ReportField(name, .text(choices: choices), help) { value($0).map { .text($0) } }
  }

  static func texts(_ name: String, _ help: String, _ value: @escaping @Sendable (Value) -> [String]) -> ReportField {
    ReportField(name, .texts, help, isNullable: false) { .texts(value($0)) }
  }

  static func time(_ name: String, _ help: String, _ value: @escaping @Sendable (Value) -> Timestamp?) -> ReportField {
    ReportField(name, .time, help) { value($0).map { .time($0) } }
  }

  static func flag(_ name: String, _ help: String, _ value: @escaping @Sendable (Value) -> Bool?) -> ReportField {
    ReportField(name, .flag, help) { value($0).map { .flag($0) } }
  }

  /// The member of an object in the description.
  var member: JSONSchema.Member {
    JSONSchema.member(name, isNullable ? .nullable(kind.schema) : kind.schema, help)
  }

  func write(_ value: Value, to json: inout JSONWriter) {
    json.name(name)
    if let cell = cell(value) { cell.write(to: &json) } else { json.value(nil as String?) }
  }
}

/// Rows of a report, such as deploys or the evidence of a number, declared once for JSON, CSV and the description.
struct ReportRows<Row>: Sendable {
  var fields: [ReportField<Row>]

  init(_ fields: [ReportField<Row>]) {
    self.fields = fields
  }

  var schema: JSONSchema { .object(fields.map(\.member)) }

  func write(_ row: Row, to json: inout JSONWriter) {
    json.object { json in
      for field in fields { field.write(row, to: &json) }
    }
  }

  func write(_ rows: [Row], named name: String, to json: inout JSONWriter) {
    json.name(name)
    json.array(rows) { json, row in write(row, to: &json) }
  }

  /// The columns in CSV. Only the trace id has another name in JSON, that of the list of spans.
  var columns: [String] { fields.map { $0.name == "traceID" ? "trace_id" : $0.name } }

  func csv(_ rows: [Row]) -> [UInt8] {
    var csv = CSVWriter()
    csv.row(columns)
    for row in rows { csv.row(fields.map { $0.cell(row)?.text ?? "" }) }
    return csv.bytes
  }
}
