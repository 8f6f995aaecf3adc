import DeliveryMetrics
import ValueStreamCore

/// A metric of a report, declared once for JSON, CSV and the OpenAPI description.
struct MetricShape<Value>: Sendable {
  /// The name in JSON, and the first words of the columns in CSV.
  var name: String
  var help: String
  var fields: [ReportField<Value>]
  /// Counts by a label, such as failed releases by rule.
  var counts: [CountsByLabel] = []
  var population: @Sendable (Value) -> Population

  struct CountsByLabel: Sendable {
    /// The name of the list, and that of the label in it.
    var name: String
    var label: String
    var labels: [String]
    var counts: @Sendable (Value) -> [(label: String, count: Int)]
  }

  init(
    _ name: String, _ help: String, fields: [ReportField<Value>], counts: [CountsByLabel] = [],
    population: @escaping @Sendable (Value) -> Population
  ) {
    self.name = name
    self.help = help
    self.fields = fields
    self.counts = counts
    self.population = population
  }

  /// The values of a group or bucket.
  ///
  /// - Parameters:
  ///   - previous: The value of the previous period; nil if there is none.
  ///   - evidence: The address of the rows behind the number; nil for a bucket.
  func cells(_ value: Value, previous: Value?, evidence: String?) -> MetricCells {
    MetricCells(
      name: name, values: fields.map { ($0.name, $0.cell(value)) },
      counts: counts.map { list in
        let found = list.counts(value)
        return (list.name, list.label, list.labels.map { label in (label, found.first { $0.label == label }?.count ?? 0) })
      },
      population: population(value),
      previous: previous.map { previous in
        fields.filter(\.isCompared).map { ($0.name, $0.cell(previous)) } + [("n", .integer(population(previous).n))]
      } ?? [],
      evidence: evidence)
  }

  var member: JSONSchema.Member {
    let previous = fields.filter(\.isCompared).map(\.member) + [JSONSchema.member("n", .integer)]
    return JSONSchema.member(
      name,
      .object(
        fields.map(\.member)
          + counts.map { list in
            JSONSchema.member(
              list.name,
              .array(
                of: .object([
                  JSONSchema.member(list.label, .text(choices: list.labels)), JSONSchema.member("count", .integer),
                ])))
          }
          + [
            JSONSchema.member("n", .integer, "The number of items behind the number."),
            JSONSchema.member("coverage", .nullable(.number), "n by n and what was left out. Null without items."),
            JSONSchema.member("left_out", .array(of: .named("LeftOut"))),
            JSONSchema.member("previous", .nullable(.object(previous)), "The previous period. Null if there is none."),
            JSONSchema.member("evidence", .nullable(.text()), "The address of the items behind the number."),
          ]), help)
  }

  /// The columns in CSV.
  var columns: [String] {
    fields.map(\.name) + ["n", "coverage", "left_out"] + counts.flatMap { list in list.labels.map { "\(list.name)_\($0)" } }
      + fields.filter(\.isCompared).map { "previous_\($0.name)" } + ["previous_n", "evidence"]
  }
}

/// The values of a metric in one group or bucket.
struct MetricCells: Sendable {
  var name: String
  var values: [(name: String, cell: ReportCell?)]
  var counts: [(name: String, label: String, counts: [(label: String, count: Int)])]
  var population: Population
  /// Empty if there is no previous period.
  var previous: [(name: String, cell: ReportCell?)]
  var evidence: String?

  func write(to json: inout JSONWriter) {
    json.name(name)
    json.object { json in
      Self.write(values, to: &json)
      for list in counts {
        json.name(list.name)
        json.array(list.counts.filter { $0.count > 0 }) { json, entry in
          json.object { json in
            json.member(list.label, entry.label)
            json.member("count", entry.count)
          }
        }
      }
      json.member("n", population.n)
      json.name("coverage")
      json.value(population.coverage ?? .nan)
      json.leftOut(population)
      json.name("previous")
      if previous.isEmpty {
        json.value(nil as String?)
      } else {
        json.object { Self.write(previous, to: &$0) }
      }
      json.member("evidence", evidence)
    }
  }

  private static func write(_ values: [(name: String, cell: ReportCell?)], to json: inout JSONWriter) {
    for (name, cell) in values {
      json.name(name)
      if let cell { cell.write(to: &json) } else { json.value(nil as String?) }
    }
  }

  /// The fields in CSV, without the previous period if the report compares with none.
  func fields(previousCount: Int) -> [String] {
    let leftOut = population.leftOut.reduce(0) { $0 + $1.count }
    let before = previous.isEmpty ? Array(repeating: "", count: previousCount) : previous.map { $0.cell?.text ?? "" }
    return values.map { $0.cell?.text ?? "" }
      + [String(population.n), population.coverage.map { ShortestDecimal.text($0) } ?? "", String(leftOut)]
      + counts.flatMap { list in list.counts.map { String($0.count) } } + before + [evidence ?? ""]
  }
}

/// The columns of a metric in CSV.
struct MetricColumns: Sendable {
  var names: [String]
  /// How many of them are about the previous period.
  var previousCount: Int

  init<Value>(_ shape: MetricShape<Value>) {
    names = shape.columns.map { "\(shape.name)_\($0)" }
    previousCount = shape.fields.count(where: \.isCompared) + 1
  }
}
