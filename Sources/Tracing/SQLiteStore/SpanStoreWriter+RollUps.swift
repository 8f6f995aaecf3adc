import ValueStreamCore

/// Writes roll-ups.
///
/// A step of the computation appends what it adds and subtracts to `rollup_change`, one row for each block of days. Once there
/// is much of it, it is merged into the pages of roll-ups. So a delivery costs a few bytes, and pages are rewritten for
/// thousands of deliveries at once.
extension SpanStoreWriter {
  private var facts: FactStatements { reader.facts }

  /// The number of tallies of a block from which on they are merged into pages, and that of all blocks.
  static let talliesOfBlock = 4096
  static let talliesOfAllBlocks = 16_384

  /// Replaces the tallies of subjects.
  func write(_ tallies: [FactID: [RunTally]]) throws {
    guard !tallies.isEmpty else { return }
    let firstBlock = try reader.rollUpState().firstBlock ?? .min
    var changes: [Int32: (count: Int, bytes: [UInt8])] = [:]
    for (id, tallies) in tallies.sorted(by: { $0.key < $1.key }) {
      let former = try reader.tallies(of: [id])[id] ?? []
      let kept = tallies.filter { DailyRollUp.block(of: $0.day) >= firstBlock }
      guard former != kept else { continue }
      for (tallies, times) in [(former, Int64(-1)), (kept, 1)] {
        for tally in tallies {
          let block = DailyRollUp.block(of: tally.day)
          guard block >= firstBlock else { continue }
          changes[block, default: (0, [])].count += 1
          PackedTallies.append(tally, times: times, to: &changes[block, default: (0, [])].bytes)
        }
      }
      if kept.isEmpty { try removeTally(of: Int64(bitPattern: id.rawValue)) } else { try set(kept, of: id) }
    }
    for (block, change) in changes.sorted(by: { $0.key < $1.key }) {
      let insert = try facts(.insertRollUpChange)
      insert.bind(1, Int64(block))
      insert.bind(2, Int64(change.count))
      insert.bind(3, Checksum.of(change.bytes))
      try insert.binding(4, change.bytes) { try insert.run() }
      rollUpChangeCounts?[block, default: 0] += change.count
    }
    try mergeRollUps(touched: Set(changes.keys))
  }

  private func set(_ tallies: [RunTally], of id: FactID) throws {
    let bytes = PackedTallies.bytes(tallies)
    let statement = try facts(.setTally)
    statement.bind(1, Int64(bitPattern: id.rawValue))
    statement.bind(2, Checksum.of(bytes))
    try statement.binding(3, bytes) { try statement.run() }
  }

  private func removeTally(of id: Int64) throws {
    let statement = try facts(.deleteTally)
    statement.bind(1, id)
    try statement.run()
  }

  /// Forgets what a subject added that retention removes. The roll-ups keep it.
  ///
  /// - Returns: true if it added something.
  func forgetTallies(of id: Int64) throws -> Bool {
    let factID = FactID(rawValue: UInt64(bitPattern: id))
    guard let tallies = try reader.tallies(of: [factID])[factID] else { return false }
    try removeTally(of: id)
    var state = try reader.rollUpState()
    let last = tallies.map(\.day).max()
    if let last, state.goneThrough.map({ $0 < last }) ?? true {
      state.goneThrough = last
      try write(state)
    }
    return true
  }

  private func write(_ state: SpanStoreReader.RollUpState) throws {
    let statement = try facts(.setRollUpState)
    statement.bind(1, state.firstBlock.map { Int64($0) })
    statement.bind(2, state.goneThrough.map { Int64($0.rawValue) })
    try statement.run()
  }

  /// Adds roll-ups of subjects that this store does not know.
  func add(_ rollUps: [DailyRollUp]) throws {
    guard !rollUps.isEmpty else { return }
    var sums: [RollUpPlace: [PackedRollUpKey: RollUp]] = [:]
    var state = try reader.rollUpState()
    for added in rollUps where DailyRollUp.block(of: added.day) >= state.firstBlock ?? .min {
      for place in places(added.key.level, added.day) {
        sums[place, default: [:]][PackedRollUpKey(added.key), default: RollUp()].merge(added.rollUp)
      }
      state.goneThrough = max(state.goneThrough ?? added.day, added.day)
    }
    try write(state)
    for (place, sums) in sums { try merge(sums, at: place) }
  }

  private func places(_ level: RollUpLevel, _ day: FactDay) -> [RollUpPlace] {
    [
      RollUpPlace(level: level, span: .day, start: Int64(day.rawValue)),
      RollUpPlace(level: level, span: .block, start: Int64(DailyRollUp.block(of: day))),
    ]
  }

  // MARK: Pages

  private func mergeRollUps(touched: Set<Int32>) throws {
    var counts = try rollUpCounts()
    for block in touched where counts[block] ?? 0 >= Self.talliesOfBlock {
      try mergeRollUps(ofBlock: block)
      counts[block] = nil
    }
    guard counts.values.reduce(0, +) > Self.talliesOfAllBlocks else { return }
    if let block = counts.max(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key { try mergeRollUps(ofBlock: block) }
  }

  /// The number of tallies that wait for each block.
  private func rollUpCounts() throws -> [Int32: Int] {
    if let known = rollUpChangeCounts { return known }
    let statement = try facts(.rollUpChangeCounts)
    defer { statement.reset() }
    var counts: [Int32: Int] = [:]
    while try statement.step() { counts[Int32(clamping: statement.int(0))] = Int(clamping: statement.int(1)) }
    rollUpChangeCounts = counts
    return counts
  }

  /// Merges the changes of a block into its pages, in one step about as many as make it worthwhile.
  private func mergeRollUps(ofBlock block: Int32) throws {
    let statement = try facts(.rollUpChangesOfBlock)
    statement.bind(1, Int64(block))
    defer { statement.reset() }
    var sums: [RollUpPlace: [PackedRollUpKey: RollUp]] = [:]
    var last: Int64?
    var count = 0
    while count < 2 * Self.talliesOfBlock, try statement.step() {
      last = statement.int(0)
      count += Int(clamping: statement.int(3))
      try reader.visitRollUpChanges(statement, checksumAt: 1) { tally, times in
        for key in tally.keys {
          for place in places(key.level, tally.day) {
            sums[place, default: [:]][PackedRollUpKey(key), default: RollUp()].add(tally, times: times)
          }
        }
      }
    }
    statement.reset()
    guard let last else { return }
    for (place, sums) in sums { try merge(sums, at: place) }
    let delete = try facts(.deleteRollUpChanges)
    delete.bind(1, Int64(block))
    delete.bind(2, last)
    try delete.run()
    let left = max(0, (rollUpChangeCounts?[block] ?? count) - count)
    rollUpChangeCounts?[block] = left == 0 ? nil : left
  }

  /// Adds to the roll-ups at a place.
  private func merge(_ sums: [PackedRollUpKey: RollUp], at place: RollUpPlace) throws {
    let statement = try facts(.rollUpPagesOfPlace)
    bind(place, to: statement)
    defer { statement.reset() }
    var pages: [(id: Int64, first: PackedRollUpKey)] = []
    while try statement.step() {
      let first = PackedRollUpKey(
        high: UInt64(bitPattern: statement.int(1)), low: UInt64(bitPattern: statement.int(2)))
      pages.append((statement.int(0), first))
    }
    statement.reset()
    var rest = sums.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }[...]
    if pages.isEmpty { try write(try Self.pages(adding: rest, to: [], damage: {}), at: place, replacing: nil) }
    for (index, page) in pages.enumerated() {
      let isLast = index + 1 == pages.count
      let part = rest.prefix { isLast || $0.key < pages[index + 1].first }
      rest = rest.dropFirst(part.count)
      guard !part.isEmpty else { continue }
      let data = try pageData(page.id, place)
      let merged = try Self.pages(adding: part, to: data) { reader.noteDamagedRollUps(place, "a roll-up cannot be decoded") }
      try write(merged, at: place, replacing: page.id)
    }
  }

  private func bind(_ place: RollUpPlace, to statement: SQLiteStatement) {
    statement.bind(1, Int64(place.level.rawValue))
    statement.bind(2, place.span.rawValue)
    statement.bind(3, place.start)
  }

  /// Returns the bytes of a page. Those of a damaged page are empty, and it is reported.
  private func pageData(_ id: Int64, _ place: RollUpPlace) throws -> [UInt8] {
    let statement = try facts(.rollUpPageData)
    statement.bind(1, id)
    defer { statement.reset() }
    guard try statement.step() else { return [] }
    let bytes = statement.bytes(1)
    let isWhole = bytes.withUnsafeBytes { bytes in
      var page = RollUpPage(bytes)
      do throws(DamagedBytes) {
        while try page.next() != nil {}
      } catch {
        return false
      }
      return true
    }
    if isWhole, Checksum.of(bytes) == statement.int(0) { return bytes }
    reader.noteDamagedRollUps(place, "other bytes than were stored")
    return []
  }

  /// Returns pages that hold the roll-ups of a page and these ones. Roll-ups that become empty are left out.
  ///
  /// - Parameters:
  ///   - page: readable bytes.
  ///   - damage: called for a roll-up that cannot be decoded, and is replaced.
  private static func pages(
    adding sums: ArraySlice<(key: PackedRollUpKey, value: RollUp)>, to page: [UInt8], damage: () -> Void
  ) throws -> [(first: PackedRollUpKey, bytes: [UInt8])] {
    var pages: [(first: PackedRollUpKey, bytes: [UInt8])] = []
    func add(_ key: PackedRollUpKey, _ rollUp: UnsafeRawBufferPointer) {
      if pages.last.map({ $0.bytes.count + rollUp.count > RollUpPage.byteLimit }) ?? true { pages.append((key, [])) }
      RollUpPage.append(key, rollUp, to: &pages[pages.count - 1].bytes)
    }
    let accumulator = RollUpAccumulator()
    var rest = sums
    try page.withUnsafeBytes { bytes in
      var groups = RollUpPage(bytes)
      while let group = try groups.next() {
        while let next = rest.first, next.key < group.key {
          next.value.packed.withUnsafeBytes { add(next.key, $0) }
          rest.removeFirst()
        }
        guard let next = rest.first, next.key == group.key else {
          add(group.key, group.rollUp)
          continue
        }
        do throws(DamagedBytes) {
          try accumulator.add(group.rollUp)
        } catch {
          damage()
          _ = accumulator.take()
        }
        accumulator.add(next.value)
        rest.removeFirst()
        let sum = accumulator.take()
        if !sum.isEmpty { sum.packed.withUnsafeBytes { add(group.key, $0) } }
      }
    }
    for next in rest { next.value.packed.withUnsafeBytes { add(next.key, $0) } }
    return pages
  }

  private func write(
    _ pages: [(first: PackedRollUpKey, bytes: [UInt8])], at place: RollUpPlace, replacing known: Int64?
  ) throws {
    if let known, pages.isEmpty {
      let delete = try facts(.deleteRollUpPage)
      delete.bind(1, known)
      return try delete.run()
    }
    for (index, page) in pages.enumerated() {
      let (high, low) = (Int64(bitPattern: page.first.high), Int64(bitPattern: page.first.low))
      // The page that is replaced makes room for the key of a new one.
      if index == 0, let known {
        let update = try facts(.updateRollUpPage)
        for (place, value) in [known, high, low, Checksum.of(page.bytes)].enumerated() { update.bind(Int32(place + 1), value) }
        try update.binding(5, page.bytes) { try update.run() }
      } else {
        let insert = try facts(.insertRollUpPage)
        bind(place, to: insert)
        for (index, value) in [high, low, Checksum.of(page.bytes)].enumerated() { insert.bind(Int32(index + 4), value) }
        try insert.binding(7, page.bytes) { try insert.run() }
      }
    }
  }

  // MARK: Retention

  /// Removes the roll-ups of blocks that end before `day`.
  func removeRollUps(before day: FactDay) throws {
    let block = DailyRollUp.block(of: day)
    var state = try reader.rollUpState()
    guard state.firstBlock.map({ $0 < block }) ?? true else { return }
    state.firstBlock = block
    try write(state)
    for level in RollUpLevel.allCases {
      for (query, bound) in [
        (FactQuery.deleteRollUpsOfBlock, Int64(block)),
        (.deleteRollUpsOfDays, Int64(DailyRollUp.days(ofBlock: block).lowerBound.rawValue)),
      ] {
        let delete = try facts(query)
        delete.bind(1, Int64(level.rawValue))
        delete.bind(2, bound)
        try delete.run()
      }
    }
    for old in try rollUpCounts().keys where old < block {
      let delete = try facts(.deleteRollUpChanges)
      delete.bind(1, Int64(old))
      delete.bind(2, .max)
      try delete.run()
      rollUpChangeCounts?[old] = nil
    }
  }
}
