import ValueStreamCore

/// Reads roll-ups.
extension SpanStoreReader {
  /// Calls `visit` with the sum over these days of each roll-up of a level, in the order of keys.
  ///
  /// Reads the sums of whole blocks of days, and single days at both ends.
  ///
  /// - Parameters:
  ///   - parts: what the sums need at least.
  ///   - visit: gets a function that reads all of a roll-up, valid during the call.
  func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, parts: RollUpParts,
    _ visit: (RollUpKey, RollUp, _ whole: () throws -> RollUp) throws -> Void
  ) throws {
    let state = try rollUpState()
    let firstDay = max(days.lowerBound, state.firstBlock.map { DailyRollUp.days(ofBlock: $0).lowerBound } ?? days.lowerBound)
    guard firstDay <= days.upperBound else { return }
    let days = firstDay...days.upperBound
    var streams: [RollUpStream] = []
    defer { for stream in streams { stream.statement.reset() } }
    for place in try storedPlaces(level, days: days) {
      streams.append(RollUpStream(place, try connection.prepare(FactQuery.rollUpPages.sql)))
      try advance(&streams[streams.count - 1])
    }
    let changes = try rollUpChanges(level, days: days)
    var rest = changes.sorted { $0.key < $1.key }[...]
    let accumulator = RollUpAccumulator()
    // Together, because the next key is sought among them for each roll-up.
    var keys = streams.map { $0.key ?? .last }
    /// The streams that have the next key.
    var found: [Int] = []
    while true {
      var key = rest.first?.key ?? .last
      for other in keys where other < key { key = other }
      if key == .last { return }
      found.removeAll(keepingCapacity: true)
      for index in keys.indices where keys[index] == key { found.append(index) }
      let change = rest.first.flatMap { $0.key == key ? $0.value : nil }
      func sum(_ parts: RollUpParts) -> RollUp {
        for index in found {
          do throws(DamagedBytes) {
            try accumulator.add(streams[index].current, parts)
          } catch {
            noteDamagedRollUps(streams[index].place, "a roll-up cannot be decoded")
          }
        }
        if let change { accumulator.add(change) }
        return accumulator.take()
      }
      let rollUp = sum(parts)
      if !rollUp.isEmpty { try visit(key.key(level), rollUp) { parts == .all ? rollUp : sum(.all) } }
      for index in found {
        try advance(&streams[index])
        keys[index] = streams[index].key ?? .last
      }
      if change != nil { rest.removeFirst() }
    }
  }

  /// Calls `visit` with whole sums.
  func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, _ visit: (RollUpKey, RollUp) throws -> Void
  ) throws {
    try visitRollUps(level, days: days, parts: .all) { key, rollUp, _ in try visit(key, rollUp) }
  }

  /// Returns the places that together hold these days.
  private func storedPlaces(_ level: RollUpLevel, days: ClosedRange<FactDay>) throws -> [RollUpPlace] {
    let statement = try facts(.rollUpDays)
    statement.bind(1, Int64(level.rawValue))
    defer { statement.reset() }
    guard try statement.step(), let first = statement.optionalInt(0), let last = statement.optionalInt(1) else { return [] }
    var places: [RollUpPlace] = []
    var day = max(Int64(days.lowerBound.rawValue), first)
    let end = min(Int64(days.upperBound.rawValue), last)
    while day <= end {
      let block = DailyRollUp.block(of: FactDay(rawValue: Int32(clamping: day)))
      let whole = DailyRollUp.days(ofBlock: block)
      if days.contains(whole.lowerBound), days.contains(whole.upperBound) {
        places.append(RollUpPlace(level: level, span: .block, start: Int64(block)))
        day = Int64(whole.upperBound.rawValue) + 1
      } else {
        places.append(RollUpPlace(level: level, span: .day, start: day))
        day += 1
      }
    }
    return places
  }

  /// Moves to the next roll-up, and passes over damaged pages, which are reported.
  private func advance(_ stream: inout RollUpStream) throws {
    while true {
      do throws(DamagedBytes) {
        if try stream.advance() { return }
      } catch {
        noteDamagedRollUps(stream.place, "the roll-ups cannot be told apart")
      }
      guard try stream.nextPage() else { return }
      if !stream.isWhole {
        noteDamagedRollUps(stream.place, "other bytes than were stored")
        stream.dropPage()
      }
    }
  }

  func noteDamagedRollUps(_ place: RollUpPlace, _ reason: String) {
    damage.note(StoreDamage(.fact, place.text, reason: "\(connection.path): \(reason)"))
  }

  /// Returns what was added and subtracted on these days since pages were last written.
  private func rollUpChanges(_ level: RollUpLevel, days: ClosedRange<FactDay>) throws -> [PackedRollUpKey: RollUp] {
    let statement = try facts(.rollUpChanges)
    statement.bind(1, Int64(DailyRollUp.block(of: days.lowerBound)))
    statement.bind(2, Int64(DailyRollUp.block(of: days.upperBound)))
    defer { statement.reset() }
    var sums: [PackedRollUpKey: RollUp] = [:]
    while try statement.step() {
      try visitRollUpChanges(statement, checksumAt: 1) { tally, times in
        guard days.contains(tally.day) else { return }
        for key in tally.keys where key.level == level { sums[PackedRollUpKey(key), default: RollUp()].add(tally, times: times) }
      }
    }
    return sums
  }

  /// Calls `visit` with the tallies in the current row of `rollup_change`. A damaged row is reported.
  func visitRollUpChanges(
    _ statement: SQLiteStatement, checksumAt column: Int32, _ visit: (RunTally, _ times: Int64) throws -> Void
  ) throws {
    let checksum = statement.int(column)
    try statement.withBytes(column + 1) { bytes in
      do {
        guard Checksum.of(bytes) == checksum else { throw DamagedBytes() }
        try PackedTallies.visitSigned(bytes, visit)
      } catch is DamagedBytes {
        damage.note(StoreDamage(.fact, "changes of roll-ups", reason: "\(connection.path): other bytes than were stored"))
      }
    }
  }

  // MARK: Tallies

  func tallies(of ids: some Sequence<FactID>) throws -> [FactID: [RunTally]] {
    var result: [FactID: [RunTally]] = [:]
    let statement = try facts(.tally)
    defer { statement.reset() }
    for id in ids {
      statement.reset()
      statement.bind(1, Int64(bitPattern: id.rawValue))
      if try statement.step() { result[id] = try tallies(statement) }
    }
    return result
  }

  /// Returns the tallies in the current row, whose first column is the checksum. Damaged ones are reported and count as none.
  private func tallies(_ row: SQLiteStatement) throws -> [RunTally]? {
    let checksum = row.int(0)
    return row.withBytes(1) { bytes in
      if Checksum.of(bytes) == checksum, let tallies = try? PackedTallies.tallies(bytes) { return tallies }
      damage.note(StoreDamage(.fact, "tallies", reason: "\(connection.path): other bytes than were stored"))
      return nil
    }
  }

  // MARK: State

  struct RollUpState: Equatable {
    /// Roll-ups of earlier blocks were removed. Nil if none were.
    var firstBlock: Int32?
    /// The last day with tallies of subjects that are gone. Nil if there are none.
    var goneThrough: FactDay?
  }

  func rollUpState() throws -> RollUpState {
    let statement = try facts(.rollUpState)
    defer { statement.reset() }
    guard try statement.step() else { throw StoreError(.corrupt, "\(connection.path): the state of roll-ups is missing") }
    return RollUpState(
      firstBlock: statement.optionalInt(0).map { Int32(clamping: $0) },
      goneThrough: statement.optionalInt(1).map { FactDay(rawValue: Int32(clamping: $0)) })
  }

  /// Calls `visit` with what subjects that are gone added to roll-ups, in order of days.
  func visitGoneRollUps(_ visit: (DailyRollUp) throws -> Void) throws {
    guard let last = try rollUpState().goneThrough else { return }
    var present: [FactDay: [RollUpKey: RollUp]] = [:]
    let statement = try facts(.tallies)
    defer { statement.reset() }
    while try statement.step() {
      for tally in try tallies(statement) ?? [] where tally.day <= last {
        for key in tally.keys { present[tally.day, default: [:]][key, default: RollUp()].add(tally) }
      }
    }
    for day in try rollUpDays() where day <= last {
      for level in RollUpLevel.allCases {
        try visitRollUps(level, days: day...day) { key, rollUp in
          var gone = rollUp
          if let rest = present[day]?[key] { gone.subtract(rest) }
          if !gone.isEmpty { try visit(DailyRollUp(day: day, key: key, rollUp: gone)) }
        }
      }
    }
  }

  /// The days that may have roll-ups, in order.
  private func rollUpDays() throws -> [FactDay] {
    var days: Set<FactDay> = []
    for level in RollUpLevel.allCases {
      let statement = try facts(.rollUpDays)
      statement.bind(1, Int64(level.rawValue))
      defer { statement.reset() }
      guard try statement.step(), let first = statement.optionalInt(0), let last = statement.optionalInt(1) else { continue }
      for day in Int32(clamping: first)...Int32(clamping: max(first, last)) { days.insert(FactDay(rawValue: day)) }
    }
    let statement = try facts(.rollUpChanges)
    statement.bind(1, .min)
    statement.bind(2, .max)
    defer { statement.reset() }
    while try statement.step() {
      try visitRollUpChanges(statement, checksumAt: 1) { tally, _ in days.insert(tally.day) }
    }
    return days.sorted()
  }

  func examineRollUps() throws {
    let days = FactDay(rawValue: .min)...FactDay(rawValue: .max)
    for level in RollUpLevel.allCases {
      let pages = try facts(.rollUpDays)
      pages.bind(1, Int64(level.rawValue))
      defer { pages.reset() }
      guard try pages.step(), let first = pages.optionalInt(0), let last = pages.optionalInt(1) else { continue }
      pages.reset()
      for day in first...max(first, last) {
        let day = FactDay(rawValue: Int32(clamping: day))
        try visitRollUps(level, days: day...day) { _, _ in }
      }
      try visitRollUps(level, days: days) { _, _ in }
    }
    let statement = try facts(.tallies)
    defer { statement.reset() }
    while try statement.step() { _ = try tallies(statement) }
  }
}

/// The roll-ups at one place, in the order of keys.
private struct RollUpStream {
  let place: RollUpPlace
  /// Reset it after the last use of the stream.
  let statement: SQLiteStatement
  /// The page, which belongs to the statement until its next step.
  private var page = UnsafeRawBufferPointer(start: nil, count: 0)
  private var offset = 0
  /// The current roll-up.
  private(set) var current = UnsafeRawBufferPointer(start: nil, count: 0)
  private(set) var key: PackedRollUpKey?
  /// False if the current page is damaged.
  private(set) var isWhole = true

  init(_ place: RollUpPlace, _ statement: SQLiteStatement) {
    self.place = place
    self.statement = statement
    statement.bind(1, Int64(place.level.rawValue))
    statement.bind(2, place.span.rawValue)
    statement.bind(3, place.start)
  }

  /// Moves to the next roll-up of the page. False at the end of the page.
  ///
  /// - Throws: ``DamagedBytes``. The rest of the page cannot be read then.
  mutating func advance() throws(DamagedBytes) -> Bool {
    var groups = RollUpPage(page, from: offset)
    (key, offset) = (nil, page.count)
    guard let next = try groups.next() else { return false }
    (key, current, offset) = (next.key, next.rollUp, groups.offset)
    return true
  }

  /// Reads the next page. False if there is none.
  mutating func nextPage() throws -> Bool {
    dropPage()
    guard try statement.step() else { return false }
    page = statement.withBytes(1) { $0 }
    isWhole = Checksum.of(page) == statement.int(0)
    return true
  }

  mutating func dropPage() {
    page = UnsafeRawBufferPointer(start: nil, count: 0)
    (offset, current, key) = (0, page, nil)
  }
}
