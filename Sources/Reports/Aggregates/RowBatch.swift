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
    for row in rows.rows(withFieldsOtherThan: expected) {
      let count = rows.fieldCount(ofRow: row)
      reject(row, "\(count) field\(count == 1 ? "" : "s") where the first row has \(expected)")
    }
  }

  // MARK: Columns

  /// Reads a column in all rows. Rejects rows for which `parse` returns nil; they get `placeholder`.
  ///
  /// - Parameters:
  ///   - expected: The expected content, for the message "is not …".
  ///   - plain: Parses the usual form from these bytes, or returns nil. Short, as it is called for each row. The 16 bytes after the
  ///     field can be read too.
  ///   - reason: Returns a more precise message for some texts.
  ///   - parse: Parses any form.
  @inline(__always)
  private func read<Value>(
    _ column: String, placeholder: Value, expected: String,
    plain: (_ bytes: UnsafeRawPointer, _ count: Int, _ row: Int) -> Value? = { _, _, _ in nil },
    reason: (UnsafeBufferPointer<UInt8>) -> String? = { _ in nil },
    parse: (_ text: UnsafeBufferPointer<UInt8>, _ row: Int) -> Value?
  ) -> [Value] {
    guard let index = columns[column] else { return [Value](repeating: placeholder, count: rows.count) }
    let ranges = rows.ranges(ofColumn: index)
    let base = UnsafeRawPointer(rows.base)
    var others: [Int] = []
    var values = [Value](unsafeUninitializedCapacity: ranges.count) { values, count in
      guard let first = values.baseAddress else { return }
      for row in 0..<ranges.count {
        let range = ranges[row]
        if let value = plain(base + Int(range.start), Int(range.end &- range.start), row) {
          (first + row).initialize(to: value)
        } else {
          others.append(row)
          (first + row).initialize(to: placeholder)
        }
      }
      count = ranges.count
    }
    for row in others {
      let bytes = rows.text(in: ranges[row])
      if let value = parse(bytes, row) {
        values[row] = value
        continue
      }
      let text = String(decoding: bytes, as: UTF8.self)
      let reason = reason(bytes) ?? "is not \(expected)"
      reject(row, column: column, "\"\(text.count > 60 ? text.prefix(57) + "..." : text)\" \(reason)")
    }
    return values
  }

  private static let instantExpectation = "a time such as 2020-01-02T15:04:05Z"

  private func readCreation() {
    let calendar = plan.calendar
    var date = FieldText.WrittenDate()
    var day = 0
    var window = Int32(truncatingIfNeeded: calendar.index(ofDay: day))
    var windows = [Int32](repeating: window, count: rows.count)
    created = read(
      plan.timeColumn, placeholder: ViewTotals.Earliest(created: 0, offset: 0), expected: Self.instantExpectation,
      plain: { bytes, count, row in
        guard let seconds = FieldText.plainSeconds(bytes, count: count, after: &date) else {
          return nil
        }
        if date.day != day {
          day = date.day
          window = Int32(truncatingIfNeeded: calendar.index(ofDay: day))
        }
        windows[row] = window
        return ViewTotals.Earliest(created: Timestamp(seconds: seconds).seconds, offset: 0)
      },
      reason: { text in
        guard case .absent = FieldText.instant(text), !text.isEmpty else { return nil }
        return "stands for no time, and without one a row is in no window"
      },
      parse: { text, row in
        guard case .present(let instant) = FieldText.instant(text) else { return nil }
        windows[row] = Int32(truncatingIfNeeded: calendar.index(ofDay: instant.localDay))
        return ViewTotals.Earliest(created: instant.timestamp.seconds, offset: instant.offsetSeconds)
      })
    self.windows = windows
  }

  private func readInstants(_ name: String) -> [Int64] {
    var date = FieldText.WrittenDate()
    return read(
      name, placeholder: Self.noSpanEvent, expected: Self.instantExpectation,
      plain: { bytes, count, _ in
        FieldText.plainSeconds(bytes, count: count, after: &date).map {
          Timestamp(seconds: $0).nanoseconds
        }
      },
      parse: { text, _ in
        switch FieldText.instant(text) {
        case .present(let instant): instant.timestamp.nanoseconds
        case .absent: Self.noSpanEvent
        case nil: nil
        }
      })
  }

  /// Returns the numbers of a column. An empty field gives NaN, and so does a number that is undefined or less than 0.
  ///
  /// - Parameters:
  ///   - undefined: Gets the rows whose number is `NaN`, infinite or less than 0.
  ///   - negatives: Gets the rows whose number is less than 0.
  private func readNumbers(_ name: String, undefined: inout [Int], negatives: inout [Int]) -> [Double] {
    read(
      name, placeholder: .nan, expected: "a number",
      plain: { bytes, count, _ in
        let number = Decimal.parsePlain(bytes, count: count)
        return number.isNaN && count > 0 ? nil : number
      },
      parse: { text, row in
        switch FieldText.number(text) {
        case .finite(let number):
          if number >= 0 { return number }
          negatives.append(row)
          undefined.append(row)
          return .nan
        case .undefined:
          undefined.append(row)
          return .nan
        case .empty: return .nan
        case nil: return nil
        }
      })
  }

  private func readNumbers(_ column: String, undefined: inout Set<Int32>) -> [Double] {
    var undefinedRows: [Int] = []
    var negatives: [Int] = []
    let values = readNumbers(column, undefined: &undefinedRows, negatives: &negatives)
    undefined = Set(undefinedRows.map { Int32(truncatingIfNeeded: $0) })
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
    case .isTrue(let column):
      return read(
        column, placeholder: false, expected: "true, false, yes or no",
        plain: { bytes, count, _ in FieldText.plainFlag(bytes, count: count) },
        parse: { text, _ in FieldText.flag(text) })
    case .hasInstant(let column): return instants(in: column).map { $0 != Self.noSpanEvent }
    case .isOneOf(let column, let words):
      return read(column, placeholder: false, expected: "a word") { text, _ in
        words.contains(String(decoding: text, as: UTF8.self).lowercased())
      }
    case .isWithin(let column, let least, let below):
      var (undefined, negatives): ([Int], [Int]) = ([], [])
      return readNumbers(column, undefined: &undefined, negatives: &negatives).map { $0 >= least && $0 < below }
    }
  }
}
