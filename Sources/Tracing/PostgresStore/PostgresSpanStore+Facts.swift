import SQLiteStore
import Synchronization
package import ValueStreamCore

extension PostgresSpanStore: FactStore {
  /// The day of facts without one. Greater than every ``FactDay``.
  private static let openDay = Int64(Int32.max) + 1

  private static func number(_ id: FactID) -> Int64 { Int64(bitPattern: id.rawValue) }
  private static func id(_ number: Int64) -> FactID { FactID(rawValue: UInt64(bitPattern: number)) }

  private static func numbers(_ ids: some Sequence<FactID>) -> PostgresValue { .integers(ids.map(number)) }

  // MARK: Reading

  package func visitFacts<Row: Fact>(
    _ type: Row.Type, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (Row) throws -> Void
  ) throws {
    try visitFactBytes(Row.kind, days: days, includesOpen: includesOpen) { bytes in
      var reader = FactReader(bytes)
      try visit(try Row(from: &reader))
    }
  }

  package func visitFactBytes(
    _ kind: FactKind, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var parts: [ClosedRange<Int64>] = days.map { [Int64($0.lowerBound.rawValue)...Int64($0.upperBound.rawValue)] } ?? []
    if includesOpen { parts.append(Self.openDay...Self.openDay) }
    for part in parts {
      try pool.stream(
        "SELECT data, day FROM @fact WHERE kind = $1 AND day BETWEEN $2 AND $3 ORDER BY day, subject, number",
        [.integer(Int64(kind.rawValue)), .integer(part.lowerBound), .integer(part.upperBound)]
      ) { row in
        do {
          try row.withBytes(0, visit)
        } catch is DamagedFact {
          noteDamagedFact("\(kind) of day \(row.int(1))")
        }
      }
    }
  }

  private func noteDamagedFact(_ name: String) {
    damage.note(StoreDamage(.fact, name, reason: "\(pool.address): a row cannot be decoded"))
  }

  private func decode<Row: Fact>(_ type: Row.Type, _ row: PostgresConnection.Row, _ column: Int32) -> Row? {
    row.withBytes(column) { bytes in
      var reader = FactReader(bytes)
      if let fact = try? Row(from: &reader) { return fact }
      noteDamagedFact("\(Row.kind)")
      return nil
    }
  }

  package func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) throws(StoreError) -> [FactID: [Row]] {
    guard !ids.isEmpty else { return [:] }
    let rows = try pool.query(
      "SELECT subject, data FROM @fact WHERE subject = ANY($1) AND kind = $2 ORDER BY subject, day, number",
      [Self.numbers(ids), .integer(Int64(Row.kind.rawValue))])
    var result: [FactID: [Row]] = [:]
    for row in rows { if let fact = decode(type, row, 1) { result[Self.id(row.int(0)), default: []].append(fact) } }
    return result
  }

  package func deliveries(of changes: Set<FactID>) throws(StoreError) -> [FactID: [DeliveredChange]] {
    guard !changes.isEmpty else { return [:] }
    let rows = try pool.query(
      "SELECT change, data FROM @fact WHERE change = ANY($1) ORDER BY day, subject, number", [Self.numbers(changes)])
    var result: [FactID: [DeliveredChange]] = [:]
    for row in rows {
      if let fact = decode(DeliveredChange.self, row, 1) { result[Self.id(row.int(0)), default: []].append(fact) }
    }
    return result
  }

  package func factSubjects(_ ids: Set<FactID>) throws(StoreError) -> [FactID: FactSubject] {
    guard !ids.isEmpty else { return [:] }
    let rows = try pool.query(
      "SELECT id, key, name, address, high, low FROM @fact_subject WHERE id = ANY($1)", [Self.numbers(ids)])
    return Dictionary(
      rows.map { row in
        let traceID = TraceID(high: UInt64(bitPattern: row.int(4)), low: UInt64(bitPattern: row.int(5)))
        let id = Self.id(row.int(0))
        return (
          id, FactSubject(id: id, key: Self.key(row, 1), name: row.text(2), address: row.optionalText(3), traceID: traceID)
        )
      }
    ) { first, _ in first }
  }

  package func texts(of names: Set<FactName>) throws(StoreError) -> [FactName: String] {
    guard !names.isEmpty else { return [:] }
    let rows = try pool.query(
      "SELECT id, text FROM @fact_name WHERE id = ANY($1)", [.integers(names.map { Int64($0.rawValue) })])
    return Dictionary(rows.map { (FactName(rawValue: UInt32(clamping: $0.int(0))), $0.text(1)) }) { first, _ in first }
  }

  package func factValues() throws(StoreError) -> [String: [UInt8]] {
    let rows = try pool.query("SELECT name, bytes FROM @fact_value")
    return Dictionary(rows.map { ($0.text(0), $0.bytes(1)) }) { first, _ in first }
  }

  package func factProgress() throws(StoreError) -> FactProgress {
    let row = try pool.query(
      """
      SELECT greatest(0, end_subject - next_subject), (SELECT count(*) FROM @fact_change),
        (SELECT min(f.day) FROM unnest($1::int8[]) AS k (kind)
          CROSS JOIN LATERAL (SELECT min(day) AS day FROM @fact WHERE kind = k.kind AND day < \(Self.openDay)) f)
      FROM @fact_state
      """, [.integers(FactKind.allCases.map { Int64($0.rawValue) })]
    ).first
    guard let row else { return FactProgress() }
    return FactProgress(
      remainingSubjects: Int(clamping: row.int(0)), waitingBatches: Int(clamping: row.int(1)),
      firstDay: row.optionalInt(2).map { FactDay(rawValue: Int32(clamping: $0)) })
  }

  /// Forgets that `fact_kept` is empty. Call it after each transaction that may have added something.
  func noteKeptFacts() { keptFacts.withLock { $0 = (false, $0.changes + 1) } }

  package func hasKeptFacts(of key: SubjectKey) throws(StoreError) -> Bool {
    let known = keptFacts.withLock(\.self)
    if known.isEmpty { return false }
    if try pool.query("SELECT 1 FROM @fact_kept LIMIT 1").count == 0 {
      keptFacts.withLock { if $0.changes == known.changes { $0.isEmpty = true } }
      return false
    }
    return try pool.query("SELECT 1 FROM @fact_kept WHERE key = $1", [.bytes(Self.bytes(key))]).count > 0
  }

  // MARK: Names

  package func factNames(for texts: [String]) throws(StoreError) -> [FactName] {
    guard !texts.isEmpty else { return [] }
    func known(_ texts: [String]) throws(StoreError) -> [ExactText: FactName] {
      let rows = try pool.query(
        "SELECT text, id FROM @fact_name WHERE text = ANY($1)", [.byteArrays(texts.map { Array($0.utf8) })])
      return Dictionary(
        rows.map { (ExactText($0.text(0)), FactName(rawValue: UInt32(clamping: $0.int(1)))) }
      ) { first, _ in first }
    }
    let other = ExactText(FactName.other)
    var result = try known(texts)
    let missing = Set(texts.lazy.map { ExactText($0) }.filter { result[$0] == nil }).map(\.text)
    if missing.isEmpty { return texts.map { result[ExactText($0)] ?? .none } }
    try lease.transaction { connection in
      let last = try connection.run(pool.sql("SELECT coalesce(max(id), 0) FROM @fact_name")).first?.int(0) ?? 0
      // The last number is that of the text that stands for all others.
      let room = max(0, Int64(FactName.limit) - 1 - last)
      let numbered = missing.prefix(Int(room))
      var texts = Array(numbered)
      if numbered.count < missing.count, result[other] == nil, !texts.contains(FactName.other) {
        texts.append(FactName.other)
      }
      try connection.run(
        pool.sql(
          "INSERT INTO @fact_name SELECT id, text FROM unnest($1::int8[], $2::bytea[]) AS n (id, text) ON CONFLICT DO NOTHING"),
        [.integers(texts.indices.map { last + 1 + Int64($0) }), .byteArrays(texts.map { Array($0.utf8) })])
    }
    result.merge(try known(missing + [FactName.other])) { first, _ in first }
    return texts.map { result[ExactText($0)] ?? result[other] ?? .none }
  }

  // MARK: Writing

  package func write(_ changes: FactChanges) throws(StoreError) {
    defer { if changes.facts.contains(where: \.subject.id.isOfGoneSubject) { noteKeptFacts() } }
    try lease.transaction { connection in
      func run(_ sql: String, _ parameters: [PostgresValue] = []) throws(StoreError) -> PostgresConnection.Rows {
        try connection.run(pool.sql(sql), parameters)
      }
      try write(changes.facts, removed: changes.removed, run)
      var tallies = changes.tallies
      for id in changes.removed { tallies[id] = [] }
      try writeRollUps(tallies, changes.rollUps, connection)
      let removed = changes.values.filter(\.value.isEmpty).map { Array($0.key.utf8) }
      if !removed.isEmpty { _ = try run("DELETE FROM @fact_value WHERE name = ANY($1)", [.byteArrays(removed)]) }
      let values = changes.values.filter { !$0.value.isEmpty }.map { ($0.key, $0.value) }
      if !values.isEmpty {
        _ = try run(
          """
          INSERT INTO @fact_value SELECT * FROM unnest($1::bytea[], $2::bytea[])
          ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes
          """, [.byteArrays(values.map { Array($0.0.utf8) }), .byteArrays(values.map(\.1))])
      }
      if let ticket = changes.completed { try complete(ticket, run) }
    }
  }

  private typealias Run = (String, [PostgresValue]) throws(StoreError) -> PostgresConnection.Rows

  private func write(_ facts: [SubjectFacts], removed: [FactID], _ run: Run) throws(StoreError) {
    var last: [FactID: SubjectFacts] = [:]
    for facts in facts { last[facts.subject.id] = facts }
    for id in removed { last[id] = nil }
    let touched = Set(last.keys).union(removed)
    guard !touched.isEmpty else { return }
    _ = try run("DELETE FROM @fact WHERE subject = ANY($1)", [Self.numbers(touched)])
    let gone = touched.filter { last[$0]?.rows.isEmpty ?? true }
    if !gone.isEmpty { _ = try run("DELETE FROM @fact_subject WHERE id = ANY($1)", [Self.numbers(gone)]) }
    let kept = last.values.filter { !$0.rows.isEmpty }
    guard !kept.isEmpty else { return }
    _ = try run(
      """
      INSERT INTO @fact_subject SELECT * FROM unnest($1::int8[], $2::bytea[], $3::bytea[], $4::bytea[], $5::int8[], $6::int8[])
      ON CONFLICT (id) DO UPDATE SET key = excluded.key, name = excluded.name, address = excluded.address,
        high = excluded.high, low = excluded.low
      """,
      [
        Self.numbers(kept.map(\.subject.id)), .byteArrays(kept.map { Self.bytes($0.subject.key) }),
        .byteArrays(kept.map { Array($0.subject.name.utf8) }),
        .optionalByteArrays(kept.map { $0.subject.address.map { Array($0.utf8) } }),
        .integers(kept.map { Int64(bitPattern: $0.subject.traceID.high) }),
        .integers(kept.map { Int64(bitPattern: $0.subject.traceID.low) }),
      ])
    let rows = kept.flatMap { facts in facts.rows.enumerated().map { (facts.subject.id, Int64($0.offset), $0.element) } }
    _ = try run(
      """
      INSERT INTO @fact SELECT * FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::bytea[])
      """,
      [
        .integers(rows.map { Int64($0.2.kind.rawValue) }),
        .integers(rows.map { $0.2.day.map { Int64($0.rawValue) } ?? Self.openDay }),
        Self.numbers(rows.map(\.0)), .integers(rows.map(\.1)), .optionalIntegers(rows.map { $0.2.change.map(Self.number) }),
        .byteArrays(rows.map(\.2.bytes)),
      ])
    let goneKeys = kept.filter { $0.subject.id.isOfGoneSubject }.map { Self.bytes($0.subject.key) }
    if !goneKeys.isEmpty {
      _ = try run("INSERT INTO @fact_kept SELECT * FROM unnest($1::bytea[]) ON CONFLICT DO NOTHING", [.byteArrays(goneKeys)])
    }
    // Items that were left out before anything was known about them.
    let known = kept.map(\.subject).filter { !$0.id.isDirect }
    _ = try run(
      """
      UPDATE @exclusion e SET fact = n.id FROM unnest($1::bytea[], $2::int8[]) AS n (item, id)
      WHERE e.item = n.item AND e.fact IS NULL
      """, [.byteArrays(known.map { Array(ExcludedItem($0.key).description.utf8) }), Self.numbers(known.map(\.id))])
  }

  // MARK: Work

  private static let subjectsBit: UInt64 = 1 << 63

  package func pendingFacts(limit: Int) throws(StoreError) -> PendingFacts {
    let limit = max(1, limit)
    let rows = try pool.query(
      """
      SELECT c.number, c.kind, c.id, c.branch, c.time, s.key FROM @fact_change c LEFT JOIN @subject s ON c.kind = 0 AND s.seq = c.id
      ORDER BY c.number LIMIT $1
      """, [.integer(Int64(clamping: limit) == .max ? .max : Int64(clamping: limit) + 1)])
    var pending = PendingFacts()
    for row in rows.prefix(limit) {
      pending.ticket = PendingFacts.Ticket(rawValue: UInt64(clamping: row.int(0)))
      switch FactWorkKind(rawValue: row.int(1)) {
      case .absorbed: pending.absorbed.insert(Self.id(row.int(2)))
      case .branch:
        let (branch, time) = (Self.key(row, 3), Timestamp(nanoseconds: row.int(4)))
        pending.branches[branch] = min(pending.branches[branch] ?? time, time)
      default: if !row.isNull(5) { pending.subjects[Self.id(row.int(2))] = Self.key(row, 5) }
      }
    }
    let state = try pool.query("SELECT next_subject, end_subject FROM @fact_state").first
    guard let state, state.int(0) < state.int(1) else {
      pending.hasMore = rows.count > limit
      return pending
    }
    if pending.ticket != nil {
      pending.hasMore = true
      return pending
    }
    let subjects = try pool.query(
      "SELECT seq, key FROM @subject WHERE seq >= $1 AND seq < $2 AND operation IS NOT NULL ORDER BY seq LIMIT $3",
      [.integer(state.int(0)), .integer(state.int(1)), .integer(Int64(limit))])
    for row in subjects { pending.subjects[Self.id(row.int(0))] = Self.key(row, 1) }
    let reached = subjects.count < limit ? state.int(1) : subjects[subjects.count - 1].int(0) + 1
    pending.ticket = PendingFacts.Ticket(rawValue: Self.subjectsBit | UInt64(clamping: reached))
    pending.hasMore = reached < state.int(1)
    return pending
  }

  private func complete(_ ticket: PendingFacts.Ticket, _ run: Run) throws(StoreError) {
    if ticket.rawValue & Self.subjectsBit != 0 {
      _ = try run(
        "UPDATE @fact_state SET next_subject = greatest(next_subject, $1)",
        [.integer(Int64(clamping: ticket.rawValue & ~Self.subjectsBit))])
    } else {
      _ = try run("DELETE FROM @fact_change WHERE number <= $1", [.integer(Int64(clamping: ticket.rawValue))])
    }
  }

  package func recomputeFacts() throws(StoreError) {
    try lease.transaction { connection in
      func run(_ sql: String, _ parameters: [PostgresValue] = []) throws(StoreError) -> PostgresConnection.Rows {
        try connection.run(pool.sql(sql), parameters)
      }
      // Facts of stored subjects, and direct changes whose push is still stored.
      var computed = try run(
        "SELECT f.id FROM @fact_subject f JOIN @subject s ON s.seq = f.id AND s.key = f.key"
      ).map { $0.int(0) }
      let direct = try run(
        """
        SELECT f.id, b.first, c.data FROM @fact_subject f
        JOIN LATERAL (SELECT min(time) AS first FROM @branch_update WHERE branch = f.key) b ON b.first IS NOT NULL
        JOIN @fact c ON c.subject = f.id AND c.kind = $1 WHERE f.id < 0
        """, [.integer(Int64(FactKind.change.rawValue))])
      for row in direct {
        let merged = decode(ChangeFact.self, row, 2)?.times.merged?.nanoseconds
        if merged.map({ $0 >= row.int(1) }) ?? true { computed.append(row.int(0)) }
      }
      for (table, column) in [("fact", "subject"), ("fact_subject", "id")] {
        _ = try run("DELETE FROM @\(table) WHERE \(column) = ANY($1)", [.integers(computed)])
      }
      _ = try run(
        """
        INSERT INTO @fact_change (kind, id, branch, time)
        SELECT $1, 0, branch, min(time) FROM @branch_update GROUP BY branch ORDER BY branch
        """, [.integer(FactWorkKind.branch.rawValue)])
      _ = try run(
        """
        UPDATE @fact_state SET version = $1, end_subject = p.next_subject,
          next_subject = coalesce((SELECT min(seq) FROM @subject), p.next_subject)
        FROM @projection p
        """, [.integer(Int64(FactFormat.version))])
    }
  }

  // MARK: Retention

  package func removeFacts(before day: FactDay, limit: Int) throws(StoreError) -> Int {
    try lease.transaction { connection in
      try removeRollUps(before: day, connection)
      let removed = try connection.run(
        pool.sql(
          """
          DELETE FROM @fact f USING (
            SELECT kind, day, subject FROM @fact WHERE kind = ANY($1) AND day < $2 GROUP BY kind, day, subject
            ORDER BY kind, day, subject LIMIT $3) o
          WHERE f.kind = o.kind AND f.day = o.day AND f.subject = o.subject RETURNING f.subject
          """),
        [
          .integers(FactKind.allCases.map { Int64($0.rawValue) }), .integer(Int64(day.rawValue)), .integer(Int64(max(1, limit))),
        ])
      guard removed.count > 0 else { return 0 }
      try connection.run(
        pool.sql(
          """
          DELETE FROM @fact_subject s WHERE s.id = ANY($1) AND NOT EXISTS (SELECT 1 FROM @fact f WHERE f.subject = s.id)
          """), [.integers(removed.map { $0.int(0) })])
      return removed.count
    }
  }

  // MARK: Exclusions

  private func exclusionTable() throws(StoreError) -> ExclusionTable {
    try Self.exclusionTable(pool.query("SELECT item, fact, reason, actor, time FROM @exclusion"), damage)
  }

  private static func exclusionTable(_ rows: PostgresConnection.Rows, _ damage: DamageReport) -> ExclusionTable {
    ExclusionTable(
      rows.compactMap { row in
        guard let item = ExcludedItem(row.text(0)) else {
          damage.note(StoreDamage(.fact, "exclusion", reason: "the item of an exclusion cannot be read"))
          return nil
        }
        let exclusion = Exclusion(
          item: item, reason: row.text(2), actor: row.text(3), time: Timestamp(nanoseconds: row.int(4)))
        return .init(exclusion, fact: row.optionalInt(1).map(id))
      })
  }

  package func exclusions() throws(StoreError) -> [Exclusion] { try exclusionTable().all }

  package func excludedFacts() throws(StoreError) -> [FactID: String] { try exclusionTable().reasons }

  /// Writes decisions of operators, and moves those about subjects that turned out to be another one.
  func writeExclusions(_ changes: ProjectionChanges, _ known: [SubjectKey: Int64], _ connection: PostgresConnection)
    throws(StoreError)
  {
    func run(_ sql: String, _ parameters: [PostgresValue] = []) throws(StoreError) -> PostgresConnection.Rows {
      try connection.run(pool.sql(sql), parameters)
    }
    let before = Self.exclusionTable(try run("SELECT item, fact, reason, actor, time FROM @exclusion"), damage)
    guard !changes.exclusions.isEmpty || !before.entries.isEmpty else { return }
    func fact(about key: SubjectKey) throws(StoreError) -> FactID? {
      if let place = known[key] { return Self.id(place) }
      return try run("SELECT id FROM @fact_subject WHERE key = $1 AND id >= 0 LIMIT 1", [.bytes(Self.bytes(key))]).first.map {
        Self.id($0.int(0))
      }
    }
    var table = before
    for decision in changes.exclusions {
      let change = decision.change
      switch change.action {
      case .include: table.remove(change.item)
      case .exclude:
        guard table.entries.count < Exclusion.limit || table.entries[change.item] != nil else { continue }
        let exclusion = Exclusion(item: change.item, reason: change.reason, actor: change.actor, time: decision.time)
        table.set(.init(exclusion, fact: change.item.directChange == nil ? try fact(about: change.item.key) : nil))
      }
    }
    for (fallback, key) in changes.absorbed {
      guard let entry = table.entries[ExcludedItem(fallback)] else { continue }
      table.remove(ExcludedItem(fallback))
      guard table.entries[ExcludedItem(key)] == nil else { continue }
      var moved = entry.exclusion
      moved.item = ExcludedItem(key)
      table.set(.init(moved, fact: try fact(about: key)))
    }
    let items = Set(before.entries.keys).union(table.entries.keys)
    let changed = items.filter { before.entries[$0] != table.entries[$0] }.sorted()
    guard !changed.isEmpty else { return }
    _ = try run(
      "DELETE FROM @exclusion WHERE item = ANY($1)", [.byteArrays(changed.map { Array($0.description.utf8) })])
    let entries = changed.compactMap { table.entries[$0] }
    guard !entries.isEmpty else { return }
    _ = try run(
      "INSERT INTO @exclusion SELECT * FROM unnest($1::bytea[], $2::int8[], $3::bytea[], $4::bytea[], $5::int8[])",
      [
        .byteArrays(entries.map { Array($0.exclusion.item.description.utf8) }),
        .optionalIntegers(entries.map { $0.fact.map(Self.number) }),
        .byteArrays(entries.map { Array($0.exclusion.reason.utf8) }),
        .byteArrays(entries.map { Array($0.exclusion.actor.utf8) }),
        .integers(entries.map(\.exclusion.time.nanoseconds)),
      ])
  }
}
