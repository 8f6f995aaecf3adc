import CSV
import ValueStreamCore

/// The values read from the rows of a block, by column.
final class RowBatch {
  private let plan: ReadingPlan
  let rows = CSVRows()
  /// Whether each row is readable. The other rows are ignored.
  private(set) var isValid: [Bool] = []
  private(set) var rejected = 0
  /// The error in the first unreadable row; nil if all are readable.
  private(set) var problem: CSVError?
  private var problemRow = Int.max
  /// The number of values below zero. They are ignored because neither a duration nor a size can be negative.
  private(set) var negativeCount = 0
  /// The location of the first value below zero; nil if there is none.
  private(set) var firstNegative: CSVError?
  private var negativeRow = Int.max

  private(set) var windows: [Int32] = []
  private(set) var created: [ViewTotals.Earliest] = []
  private var instants: [[Int64]]
  private var measured: [[Double]]
  /// The rows in which each measure is undefined. Such a row has neither a value nor the 0 that an empty field may
  /// stand for.
  private var undefined: [Set<Int32>]
  private var flagged: [[Bool]]

  private var file = CSVFile(name: "", columns: [])
  private var columns: [String: Int] = [:]
  private var ranges: [CSVRows.FieldRange] = []

  /// Marks an absent time.
  private static let noSpanEvent = Int64.min

  init(_ plan: ReadingPlan) {
    self.plan = plan
    instants = plan.instantColumns.map { _ in [] }
    measured = plan.measures.map { _ in [] }
    undefined = plan.measures.map { _ in [] }
    flagged = plan.conditions.map { _ in [] }
  }

  /// Returns the value of a measure in each row; NaN if it is absent or undefined.
  func values(of measure: Measure) -> [Double] {
    plan.measures.firstIndex(of: measure).map { measured[$0] } ?? []
  }

  /// Returns the rows in which a measure is `NaN`, infinite or less than zero.
  func undefinedRows(of measure: Measure) -> Set<Int32> {
    plan.measures.firstIndex(of: measure).map { undefined[$0] } ?? []
  }

  func flags(of condition: Condition) -> [Bool] {
    plan.conditions.firstIndex(of: condition).map { flagged[$0] } ?? []
  }

  /// Reads a block.
  ///
  /// - Parameter columns: The index of each column of the plan in the file.
  func load(_ block: CSVBlock, columns: [String: Int]) {
    rows.load(block)
    file = block.file
    self.columns = columns
    isValid = [Bool](repeating: true, count: rows.count)
    rejected = 0
    problem = nil
    problemRow = .max
    negativeCount = 0
    firstNegative = nil
    negativeRow = .max
    checkShape()
    readCreation()
    for (index, name) in plan.instantColumns.enumerated() { instants[index] = readInstants(name) }
    for (index, measure) in plan.measures.enumerated() { measured[index] = read(measure, undefined: &undefined[index]) }
    for (index, condition) in plan.conditions.enumerated() { flagged[index] = read(condition) }
  }

  // MARK: Problems

  private func reject(_ row: Int, column: String? = nil, _ reason: @autoclosure () -> String) {
    guard isValid[row] else { return }
    isValid[row] = false
    rejected += 1
    guard row < problemRow else { return }
    problemRow = row
    problem = file.problem(line: rows.line(ofRow: row), column: column, reason())
  }

  private func checkShape() {
    for problem in rows.problems { reject(problem.row, problem.reason) }
    let expected = file.columns.count
    for row in 0..<rows.count {
      let count = rows.fieldCount(ofRow: row)
      if count != expected { reject(row, "\(count) field\(count == 1 ? "" : "s") where the first row has \(expected)") }
    }
  }

  // MARK: Columns

  /// Reads a column in all rows. Rejects rows for which `parse` returns nil; they get `placeholder`.
  ///
  /// - Parameters:
  ///   - expected: The expected content, for the message "is not …".
  ///   - reason: Returns a more precise message for some texts.
  private func read<Value>(
    _ column: String, placeholder: Value, expected: String, reason: (UnsafeBufferPointer<UInt8>) -> String? = { _ in nil },
    parse: (UnsafeBufferPointer<UInt8>) -> Value?
  ) -> [Value] {
    guard let index = columns[column] else { return [Value](repeating: placeholder, count: rows.count) }
    rows.ranges(ofColumn: index, into: &ranges)
    let (rows, base, ranges) = (rows, rows.base, ranges)
    var unreadable: [Int] = []
    let values = [Value](unsafeUninitializedCapacity: ranges.count) { values, count in
      for row in 0..<ranges.count {
        let range = ranges[row]
        let raw = UnsafeBufferPointer(start: base + Int(range.start), count: Int(range.end &- range.start))
        let value = parse(raw.first == UInt8(ascii: "\"") ? rows.text(in: range) : raw)
        if value == nil { unreadable.append(row) }
        (values.baseAddress.map { $0 + row })?.initialize(to: value ?? placeholder)
      }
      count = ranges.count
    }
    for row in unreadable {
      let bytes = rows.text(in: ranges[row])
      let text = String(decoding: bytes, as: UTF8.self)
      let reason = reason(bytes) ?? "is not \(expected)"
      reject(row, column: column, "\"\(text.count > 60 ? text.prefix(57) + "..." : text)\" \(reason)")
    }
    return values
  }

  private static let instantExpectation = "a time such as 2020-01-02T15:04:05Z"

  private func readCreation() {
    let none = FieldText.Instant(timestamp: .epoch, localDay: 0, offsetSeconds: 0)
    let found = read(
      plan.timeColumn, placeholder: none, expected: Self.instantExpectation,
      reason: { text in
        guard case .absent = FieldText.instant(text), !text.isEmpty else { return nil }
        return "stands for no time, and without one a row is in no window"
      },
      parse: { text in if case .present(let instant) = FieldText.instant(text) { instant } else { nil } })
    let calendar = plan.calendar
    windows = found.map { Int32(truncatingIfNeeded: calendar.index(ofDay: $0.localDay)) }
    created = found.map { ViewTotals.Earliest(created: $0.timestamp.seconds, offset: $0.offsetSeconds) }
  }

  private func readInstants(_ name: String) -> [Int64] {
    read(name, placeholder: Self.noSpanEvent, expected: Self.instantExpectation) { text in
      switch FieldText.instant(text) {
      case .present(let instant): instant.timestamp.nanoseconds
      case .absent: Self.noSpanEvent
      case nil: nil
      }
    }
  }

  private static let undefinedNumber = -Double.infinity

  /// Returns the numbers of a column that are not negative.
  ///
  /// An empty field gives NaN; `NaN`, infinities and negative numbers give ``undefinedNumber``.
  private func readNumbers(_ name: String, negatives: inout [Int]) -> [Double] {
    var row = -1
    return read(name, placeholder: .nan, expected: "a number") { text in
      row += 1
      switch FieldText.number(text) {
      case .finite(let number):
        if number >= 0 { return number }
        negatives.append(row)
        return Self.undefinedNumber
      case .undefined: return Self.undefinedNumber
      case .empty: return .nan
      case nil: return nil
      }
    }
  }

  private func readNumbers(_ column: String, undefined: inout Set<Int32>) -> [Double] {
    undefined.removeAll(keepingCapacity: true)
    var negatives: [Int] = []
    var values = readNumbers(column, negatives: &negatives)
    for row in values.indices where values[row] == Self.undefinedNumber {
      values[row] = .nan
      undefined.insert(Int32(truncatingIfNeeded: row))
    }
    // Counts only rows that are valid.
    let counted = negatives.filter { isValid[$0] }
    negativeCount += counted.count
    if let first = counted.first, first < negativeRow, let index = columns[column] {
      negativeRow = first
      let text = String(decoding: rows.text(row: first, column: index), as: UTF8.self)
      firstNegative = file.problem(line: rows.line(ofRow: first), column: column, "\"\(text)\" is less than 0")
    }
    return values
  }

  private func read(_ measure: Measure, undefined: inout Set<Int32>) -> [Double] {
    switch measure {
    case .number(let column): readNumbers(column, undefined: &undefined)
    case .seconds(let from, let to): seconds(from: instants(in: from), to: to.map(instants(in:)))
    }
  }

  private func instants(in column: String) -> [Int64] {
    plan.instantColumns.firstIndex(of: column).map { instants[$0] } ?? []
  }

  private func seconds(from starts: [Int64], to ends: [[Int64]]) -> [Double] {
    starts.indices.map { row in
      let end = ends.lazy.map { $0[row] }.first { $0 != Self.noSpanEvent }
      guard let end, starts[row] != Self.noSpanEvent, end >= starts[row] else { return .nan }
      return Timestamp(nanoseconds: end).seconds(since: Timestamp(nanoseconds: starts[row]))
    }
  }

  private func read(_ condition: Condition) -> [Bool] {
    switch condition {
    case .isTrue(let column): return read(column, placeholder: false, expected: "true, false, yes or no", parse: FieldText.flag)
    case .hasInstant(let column): return instants(in: column).map { $0 != Self.noSpanEvent }
    case .isOneOf(let column, let words):
      return read(column, placeholder: false, expected: "a word") {
        words.contains(String(decoding: $0, as: UTF8.self).lowercased())
      }
    case .isWithin(let column, let least, let below):
      var negatives: [Int] = []
      return readNumbers(column, negatives: &negatives).map { $0 >= least && $0 < below }
    }
  }
}
