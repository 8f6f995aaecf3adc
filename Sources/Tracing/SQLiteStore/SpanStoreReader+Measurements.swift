import ValueStreamCore

extension SpanStoreReader {
  func measurements(of keys: [SubjectKey]) throws -> [SubjectKey: Measurement] {
    let statement = try statement(.measurement)
    defer { statement.reset() }
    var result: [SubjectKey: Measurement] = [:]
    for key in keys where result[key] == nil {
      statement.reset()
      guard try bind(StoredName(key), to: statement), try statement.step() else { continue }
      result[key] = Self.measurement(statement, at: 0)
    }
    return result
  }

  func awaitingMeasurement(
    since latest: Timestamp, orAfter now: Timestamp, limit: Int
  ) throws -> [AwaitingSubject] {
    var result: [AwaitingSubject] = []
    let future = now.nanoseconds == .max ? [] : [(now.nanoseconds + 1, Int64.max)]
    for (first, last) in [(Int64.min, latest.nanoseconds)] + future where result.count < limit {
      let statement = try statement(.awaitingMeasurement)
      defer { statement.reset() }
      statement.bind(1, first)
      statement.bind(2, last)
      statement.bind(3, Int64(limit - result.count))
      while try statement.step() {
        result.append(AwaitingSubject(key: try key(statement, at: 0), measurement: Self.measurement(statement, at: 3)))
      }
    }
    return result
  }

  private static func measurement(_ row: SQLiteStatement, at column: Int32) -> Measurement {
    Measurement(awaitsSince: row.optionalInt(column).map(Timestamp.init(nanoseconds:)), counted: row.bytes(column + 1))
  }
}
