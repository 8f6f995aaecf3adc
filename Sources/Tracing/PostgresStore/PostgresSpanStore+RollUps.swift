import SQLiteStore
package import ValueStreamCore

/// A roll-up of one day.
private struct RollUpPosition: Hashable, Comparable {
  var day: FactDay
  var key: RollUpKey

  static func < (left: RollUpPosition, right: RollUpPosition) -> Bool { (left.day, left.key) < (right.day, right.key) }

  init(_ day: FactDay, _ key: RollUpKey) {
    self.day = day
    self.key = key
  }

  /// Reads the columns level, day, high, low.
  init?(_ row: PostgresConnection.Row) {
    guard let level = UInt8(exactly: row.int(0)).flatMap(RollUpLevel.init) else { return nil }
    day = FactDay(rawValue: Int32(clamping: row.int(1)))
    key = PackedRollUpKey(high: UInt64(bitPattern: row.int(2)), low: UInt64(bitPattern: row.int(3))).key(level)
  }
}

extension PostgresSpanStore {
  // MARK: Reading

  package func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, _ visit: (RollUpKey, RollUp) throws -> Void
  ) throws {
    let sum = RollUpAccumulator()
    var current: PackedRollUpKey?
    func finish() throws {
      guard let key = current else { return }
      let rollUp = sum.take()
      if !rollUp.isEmpty { try visit(key.key(level), rollUp) }
    }
    // Names are below 2^31, so that the order of the stored numbers is that of the keys.
    try pool.stream(
      "SELECT level, day, high, low, data FROM @rollup WHERE level = $1 AND day BETWEEN $2 AND $3 ORDER BY high, low",
      [.integer(Int64(level.rawValue)), .integer(Int64(days.lowerBound.rawValue)), .integer(Int64(days.upperBound.rawValue))]
    ) { row in
      let key = PackedRollUpKey(high: UInt64(bitPattern: row.int(2)), low: UInt64(bitPattern: row.int(3)))
      if key != current {
        try finish()
        current = key
      }
      if let rollUp = rollUp(row, 4) { sum.add(rollUp) }
    }
    try finish()
  }

  private func rollUp(_ row: PostgresConnection.Row, _ column: Int32) -> RollUp? {
    let sum = RollUpAccumulator()
    do {
      try row.withBytes(column) { bytes in try sum.add(bytes) }
      return sum.take()
    } catch {
      damage.note(StoreDamage(.fact, "roll-up of day \(row.int(1))", reason: "\(pool.address): it cannot be decoded"))
      return nil
    }
  }

  package func tallies(of ids: Set<FactID>) throws(StoreError) -> [FactID: [RunTally]] {
    guard !ids.isEmpty else { return [:] }
    let rows = try pool.query(
      "SELECT subject, data FROM @run_tally WHERE subject = ANY($1)", [.integers(ids.map { Int64(bitPattern: $0.rawValue) })])
    return Dictionary(
      rows.compactMap { row in tallies(row).map { (FactID(rawValue: UInt64(bitPattern: row.int(0))), $0) } }
    ) { first, _ in first }
  }

  private func tallies(_ row: PostgresConnection.Row) -> [RunTally]? {
    do {
      return try row.withBytes(1) { bytes in try PackedTallies.tallies(bytes) }
    } catch {
      damage.note(StoreDamage(.fact, "tallies of \(row.int(0))", reason: "\(pool.address): they cannot be decoded"))
      return nil
    }
  }

  package func visitGoneRollUps(_ visit: (DailyRollUp) throws -> Void) throws {
    let firstBlock = try firstBlock { sql throws(StoreError) in try pool.query(sql) }
    var rest: [RollUpPosition: RollUp] = [:]
    try pool.stream("SELECT level, day, high, low, data FROM @rollup", []) { row in
      if let position = RollUpPosition(row), let rollUp = rollUp(row, 4) { rest[position] = rollUp }
    }
    try pool.stream("SELECT subject, data FROM @run_tally", []) { row in
      for tally in tallies(row) ?? [] where DailyRollUp.block(of: tally.day) >= firstBlock {
        for key in tally.keys { rest[RollUpPosition(tally.day, key), default: RollUp()].add(tally, times: -1) }
      }
    }
    for (position, rollUp) in rest.sorted(by: { $0.key < $1.key }) where !rollUp.isEmpty {
      try visit(DailyRollUp(day: position.day, key: position.key, rollUp: rollUp))
    }
  }

  /// The first block of days whose roll-ups are kept.
  private func firstBlock(_ query: (String) throws(StoreError) -> PostgresConnection.Rows) throws(StoreError) -> Int32 {
    try query("SELECT first_block FROM @fact_state").first?.optionalInt(0).map { Int32(clamping: $0) } ?? .min
  }

  // MARK: Writing

  /// Replaces what subjects add to roll-ups, and adds roll-ups for which no subject accounts.
  func writeRollUps(_ changes: [FactID: [RunTally]], _ added: [DailyRollUp], _ connection: PostgresConnection) throws(StoreError)
  {
    guard !changes.isEmpty || !added.isEmpty else { return }
    func run(_ sql: String, _ parameters: [PostgresValue] = []) throws(StoreError) -> PostgresConnection.Rows {
      try connection.run(pool.sql(sql), parameters)
    }
    let firstBlock = try firstBlock { sql throws(StoreError) in try run(sql) }
    func isKept(_ day: FactDay) -> Bool { DailyRollUp.block(of: day) >= firstBlock }
    var differences: [RollUpPosition: RollUp] = [:]
    func add(_ tally: RunTally, times: Int64) {
      for key in tally.keys { differences[RollUpPosition(tally.day, key), default: RollUp()].add(tally, times: times) }
    }
    for rollUp in added where isKept(rollUp.day) {
      differences[RollUpPosition(rollUp.day, rollUp.key), default: RollUp()].merge(rollUp.rollUp)
    }
    if !changes.isEmpty {
      let ids = PostgresValue.integers(changes.keys.map { Int64(bitPattern: $0.rawValue) })
      for row in try run("DELETE FROM @run_tally WHERE subject = ANY($1) RETURNING subject, data", [ids]) {
        for tally in tallies(row) ?? [] where isKept(tally.day) { add(tally, times: -1) }
      }
      let kept = changes.mapValues { $0.filter { isKept($0.day) } }.filter { !$0.value.isEmpty }
      for tally in kept.values.joined() { add(tally, times: 1) }
      let rows = kept.map { (Int64(bitPattern: $0.key.rawValue), PackedTallies.bytes($0.value)) }
      _ = try run(
        "INSERT INTO @run_tally SELECT * FROM unnest($1::int8[], $2::bytea[])",
        [.integers(rows.map(\.0)), .byteArrays(rows.map(\.1))])
    }
    try apply(differences.filter { !$0.value.isEmpty }, connection)
  }

  private func apply(_ differences: [RollUpPosition: RollUp], _ connection: PostgresConnection) throws(StoreError) {
    guard !differences.isEmpty else { return }
    let positions = differences.keys.sorted()
    func columns(_ positions: [RollUpPosition]) -> [PostgresValue] {
      let packed = positions.map { PackedRollUpKey($0.key) }
      return [
        .integers(positions.map { Int64($0.key.level.rawValue) }), .integers(positions.map { Int64($0.day.rawValue) }),
        .integers(packed.map { Int64(bitPattern: $0.high) }), .integers(packed.map { Int64(bitPattern: $0.low) }),
      ]
    }
    let place = "r.level = p.level AND r.day = p.day AND r.high = p.high AND r.low = p.low"
    let source = "unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[]) AS p (level, day, high, low)"
    let known = try connection.run(
      pool.sql("SELECT r.level, r.day, r.high, r.low, r.data FROM @rollup r JOIN \(source) ON \(place)"), columns(positions))
    var sums = differences
    for row in known {
      if let position = RollUpPosition(row), let rollUp = rollUp(row, 4) { sums[position]?.merge(rollUp) }
    }
    let empty = positions.filter { sums[$0]?.isEmpty ?? true }
    if !empty.isEmpty {
      try connection.run(pool.sql("DELETE FROM @rollup r USING \(source) WHERE \(place)"), columns(empty))
    }
    let kept = positions.filter { !(sums[$0]?.isEmpty ?? true) }
    guard !kept.isEmpty else { return }
    try connection.run(
      pool.sql(
        """
        INSERT INTO @rollup SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::bytea[])
        ON CONFLICT (level, day, high, low) DO UPDATE SET data = excluded.data
        """), columns(kept) + [.byteArrays(kept.map { sums[$0]?.packed ?? [] })])
  }

  func removeRollUps(before day: FactDay, _ connection: PostgresConnection) throws(StoreError) {
    let block = DailyRollUp.block(of: day)
    let state = try connection.run(
      pool.sql(
        "UPDATE @fact_state SET first_block = greatest(first_block, $1) WHERE first_block IS DISTINCT FROM $1 RETURNING first_block"
      ),
      [.integer(Int64(block))])
    guard let first = state.first?.int(0) else { return }
    try connection.run(
      pool.sql("DELETE FROM @rollup WHERE day < $1"),
      [.integer(Int64(DailyRollUp.days(ofBlock: Int32(clamping: first)).lowerBound.rawValue))])
  }
}
