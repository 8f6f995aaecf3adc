import ValueStreamCore

/// Writes facts.
///
/// New rows go to `fact_row`. Once a place has many of them, they are merged into its pages. Pages of a place are in the order
/// of subjects, and `first` is the smallest subject that a page may hold, so that a subject is looked up in one page.
extension SpanStoreWriter {
  private var facts: FactStatements { reader.facts }

  /// The number of rows at one place from which on they are merged into pages.
  static let factRowsOfPlace = 256
  /// The number of rows of a kind above which the place with the most rows is merged.
  static let factRowsOfKind = 4096
  /// The most rows of one merge.
  static let factRowsOfMerge = 4096
  /// So many places more than were written are merged if a kind has too many rows.
  static let factMergesBeyondTouched = 8

  func write(_ changes: FactChanges) throws {
    try transaction {
      var touched: Set<FactPlace> = []
      for facts in changes.facts { try write(facts, &touched) }
      var tallies = changes.tallies
      for id in changes.removed {
        try removeFacts(of: Int64(bitPattern: id.rawValue), &touched)
        tallies[id] = []
      }
      try write(tallies)
      try add(changes.rollUps)
      for (name, bytes) in changes.values {
        if bytes.isEmpty {
          let statement = try facts(.deleteValue)
          statement.bind(1, name)
          try statement.run()
          continue
        }
        let statement = try facts(.setValue)
        statement.bind(1, name)
        statement.bind(2, Checksum.of(bytes))
        try statement.binding(3, bytes) { try statement.run() }
      }
      if let ticket = changes.completed { try complete(FactTicket(ticket)) }
      try mergeFacts(touched)
      try packNextPage()
    }
  }

  // MARK: Facts of a subject

  private func write(_ changed: SubjectFacts, _ touched: inout Set<FactPlace>) throws {
    let id = Int64(bitPattern: changed.subject.id.rawValue)
    if exclusions.unknown.contains(changed.subject.key) { try noteExcluded(changed.subject) }
    guard !changed.rows.isEmpty else { return try removeFacts(of: id, &touched) }
    var rows: [(place: FactPlace, bytes: [UInt8], changes: Set<Int64>)] = []
    for row in changed.rows {
      let place = FactPlace(row)
      let index = rows.firstIndex { $0.place == place } ?? rows.endIndex
      if index == rows.endIndex { rows.append((place, [], [])) }
      FactRows.append(row.bytes, to: &rows[index].bytes)
      if let change = row.change { rows[index].changes.insert(Int64(bitPattern: change.rawValue)) }
    }
    let former = try knownRecord(id, &touched)
    let record = FactRecord(
      traceID: changed.subject.traceID, name: changed.subject.name, address: changed.subject.address,
      places: rows.map { ($0.place, Checksum.of($0.bytes)) })
    for (place, _) in former?.record.places ?? [] where !rows.contains(where: { $0.place == place }) {
      try clearFacts(of: id, at: place, &touched)
    }
    for ((place, checksum), row) in zip(record.places, rows) where former?.record.checksum(at: place) != checksum {
      if place.kind == .deliveredChange {
        let known = former?.record.checksum(at: place) == nil ? [] : try deliveredChanges(of: id, at: place)
        for change in known.subtracting(row.changes) { try index(.deleteDelivery, change, id, place.day) }
        for change in row.changes.subtracting(known) { try index(.insertDelivery, change, id, place.day) }
      }
      try setFacts(of: id, at: place, row.bytes, &touched)
    }
    if changed.subject.id.isOfGoneSubject { try run(.keepFacts, id) }
    guard former?.key != changed.subject.key || former?.record != record else { return }
    try write(record, of: id, changed.subject.key)
  }

  private func write(_ record: FactRecord, of id: Int64, _ key: SubjectKey) throws {
    let bytes = record.encoded
    caches.factSubjects.note(id)
    let statement = try facts(.setSubject)
    try bind(StoredName(key), to: statement)
    statement.bind(4, id)
    statement.bind(5, Checksum.of(bytes))
    try statement.binding(6, bytes) { try statement.run() }
  }

  func removeFacts(of id: Int64, _ touched: inout Set<FactPlace>) throws {
    guard let former = try knownRecord(id, &touched) else { return }
    for (place, _) in former.record.places { try clearFacts(of: id, at: place, &touched) }
    try run(.deleteSubject, id)
  }

  /// Returns what is stored about a subject. If that is damaged, removes all facts of the subject, wherever they are.
  private func knownRecord(_ id: Int64, _ touched: inout Set<FactPlace>) throws -> (key: SubjectKey, record: FactRecord)? {
    if let known = try reader.factRecord(id) { return known }
    guard reader.damage.contains(.fact, SpanStoreReader.damageName(ofFactSubject: id)) else { return nil }
    let places = try facts(.places)
    defer { places.reset() }
    places.bind(1, id)
    var found: [FactPlace] = []
    while try places.step() {
      guard let kind = UInt8(exactly: places.int(0)).flatMap(FactKind.init) else { continue }
      found.append(FactPlace(kind, day: places.int(1)))
    }
    places.reset()
    for place in found {
      var hasRows = false
      try reader.visitFacts(of: [id], at: place) { _, _ in hasRows = true }
      if hasRows { try clearFacts(of: id, at: place, &touched) }
    }
    try run(.deleteSubject, id)
    return nil
  }

  private func run(_ query: FactQuery, _ id: Int64) throws {
    let statement = try facts(query)
    statement.bind(1, id)
    try statement.run()
  }

  private func clearFacts(of id: Int64, at place: FactPlace, _ touched: inout Set<FactPlace>) throws {
    if place.kind == .deliveredChange {
      for change in try deliveredChanges(of: id, at: place) { try index(.deleteDelivery, change, id, place.day) }
    }
    if try reader.factPage(holding: id, at: place) != nil {
      // Overrides what a page may hold.
      try setFacts(of: id, at: place, [], &touched)
    } else {
      let statement = try facts(.deleteRow, place)
      statement.bind(3, id)
      try statement.run()
    }
  }

  private func setFacts(of id: Int64, at place: FactPlace, _ bytes: [UInt8], _ touched: inout Set<FactPlace>) throws {
    let statement = try facts(.setRow, place)
    statement.bind(3, id)
    statement.bind(4, Checksum.of(bytes))
    try statement.binding(5, bytes) { try statement.run() }
    touched.insert(place)
    try countFactRows()
    factRowCounts?[place, default: 0] += 1
  }

  private func deliveredChanges(of id: Int64, at place: FactPlace) throws -> Set<Int64> {
    var changes: Set<Int64> = []
    try reader.visitFacts(of: [id], at: place) { _, rows in
      try FactRows.visit(rows) { bytes in
        var row = FactReader(bytes)
        if let delivered = try? DeliveredChange(from: &row) { changes.insert(Int64(bitPattern: delivered.change.rawValue)) }
      }
    }
    return changes
  }

  private func index(_ query: FactQuery, _ change: Int64, _ deploy: Int64, _ day: Int64) throws {
    let statement = try facts(query)
    statement.bind(1, change)
    statement.bind(2, deploy)
    statement.bind(3, day)
    try statement.run()
  }

  // MARK: Pages

  private func countFactRows() throws {
    guard factRowCounts == nil else { return }
    let statement = try facts(.rowCounts)
    defer { statement.reset() }
    var counts: [FactPlace: Int] = [:]
    while try statement.step() {
      guard let kind = UInt8(exactly: statement.int(0)).flatMap(FactKind.init) else { continue }
      counts[FactPlace(kind, day: statement.int(1))] = Int(clamping: statement.int(2))
    }
    factRowCounts = counts
  }

  /// Merges rows into pages where there are many. The work is in proportion to the places that were written.
  func mergeFacts(_ touched: Set<FactPlace>) throws {
    for place in touched where factRowCounts?[place] ?? 0 >= Self.factRowsOfPlace { try mergeFacts(at: place) }
    for kind in Set(touched.map(\.kind)) {
      let counts = (factRowCounts ?? [:]).filter { $0.key.kind == kind }
      var sum = counts.values.reduce(0, +)
      guard sum > Self.factRowsOfKind else { continue }
      let limit = touched.count + Self.factMergesBeyondTouched
      for (place, count) in counts.sorted(by: { $0.value > $1.value }).prefix(limit) where sum > Self.factRowsOfKind {
        try mergeFacts(at: place)
        sum -= count
      }
    }
  }

  /// Merges the rows of one place into its pages, at most ``factRowsOfMerge`` of them.
  func mergeFacts(at place: FactPlace) throws {
    let statement = try facts(.rowsOfPlace, place)
    statement.bind(3, Int64(Self.factRowsOfMerge))
    var rows: [(subject: Int64, bytes: [UInt8])] = []
    while try statement.step() {
      // A damaged row is dropped, and what it overrides as well.
      var bytes: [UInt8] = []
      try reader.withFacts(statement, checksumAt: 1, place) { bytes = Array($0) }
      rows.append((statement.int(0), bytes))
    }
    guard let last = rows.last?.subject else {
      factRowCounts?[place] = nil
      return
    }
    let pages = try facts(.pagesOfPlace, place)
    var known: [(id: Int64, first: Int64)] = []
    while try pages.step() { known.append((pages.int(0), pages.int(1))) }
    var rest = rows[...]
    if known.isEmpty { try writePages(Self.pages(of: rest, over: []), at: place, replacing: nil) }
    for (index, page) in known.enumerated() {
      let end = index + 1 < known.count ? known[index + 1].first : Int64.max
      let part = rest.prefix { $0.subject < end || index + 1 == known.count }
      rest = rest.dropFirst(part.count)
      guard !part.isEmpty else { continue }
      try writePages(Self.pages(of: part, over: try pageData(page.id, place)), at: place, replacing: page.id)
    }
    let delete = try facts(.deleteRows, place)
    delete.bind(3, last)
    try delete.run()
    let left = rows.count < Self.factRowsOfMerge ? 0 : max(1, (factRowCounts?[place] ?? 0) - rows.count)
    factRowCounts?[place] = left == 0 ? nil : left
  }

  /// Returns the bytes of a page. Those of a damaged page are empty, and it is reported.
  private func pageData(_ id: Int64, _ place: FactPlace) throws -> [UInt8] {
    let statement = try facts(.pageData)
    statement.bind(1, id)
    defer { statement.reset() }
    guard try statement.step() else { return [] }
    var data: [UInt8] = []
    let isWhole = try reader.withPage(statement, checksumAt: 0, place) { bytes in
      var page = FactPage(bytes)
      while try page.next() != nil {}
      data = Array(bytes)
    }
    return isWhole ? data : []
  }

  /// Returns pages that hold the groups of a page with some of them replaced by rows; a group without rows is removed.
  ///
  /// - Parameter page: readable bytes.
  private static func pages(of rows: ArraySlice<(subject: Int64, bytes: [UInt8])>, over page: [UInt8]) throws -> [(
    first: Int64, bytes: [UInt8]
  )] {
    var pages: [(first: Int64, bytes: [UInt8])] = []
    func add(_ subject: Int64, _ rows: UnsafeRawBufferPointer) {
      guard !rows.isEmpty else { return }
      if pages.last.map({ $0.bytes.count + rows.count > FactPage.byteLimit }) ?? true { pages.append((subject, [])) }
      FactPage.append(subject, rows, to: &pages[pages.count - 1].bytes)
    }
    var rest = rows
    try page.withUnsafeBytes { bytes in
      var groups = FactPage(bytes)
      while let group = try groups.next() {
        while let row = rest.first, row.subject < group.subject {
          row.bytes.withUnsafeBytes { add(row.subject, $0) }
          rest.removeFirst()
        }
        if rest.first?.subject != group.subject { add(group.subject, group.rows) }
      }
    }
    for row in rest { row.bytes.withUnsafeBytes { add(row.subject, $0) } }
    return pages
  }

  private func writePages(
    _ pages: [(first: Int64, bytes: [UInt8])], at place: FactPlace, replacing known: Int64?
  ) throws {
    if let known, pages.isEmpty {
      try run(.deletePage, known)
      return try run(.deletePageRest, known)
    }
    for (index, page) in pages.enumerated() {
      // The page that is replaced makes room for the key of a new one.
      try write(page, packed: PackedFactPage.pack(page.bytes, place.kind), at: place, replacing: index == 0 ? known : nil)
    }
  }

  private func write(
    _ page: (first: Int64, bytes: [UInt8]), packed: (first: [UInt8], rest: [UInt8])?, at place: FactPlace, replacing known: Int64?
  ) throws {
    let data = packed?.first ?? page.bytes
    let checksum = data.withUnsafeBytes { FactPage.checksum(of: $0) }
    let id: Int64
    if let known {
      id = known
      let update = try facts(.updatePage)
      update.bind(1, known)
      update.bind(2, page.first)
      update.bind(3, checksum)
      try update.binding(4, data) { try update.run() }
    } else {
      let insert = try facts(.insertPage, place)
      insert.bind(3, page.first)
      insert.bind(4, checksum)
      try insert.binding(5, data) { try insert.run() }
      id = try reader.connection.number("SELECT last_insert_rowid()")
    }
    if let packed {
      let set = try facts(.setPageRest)
      set.bind(1, id)
      try set.binding(2, packed.rest) { try set.run() }
    } else {
      try run(.deletePageRest, id)
    }
  }

  /// Packs the next page that an earlier version wrote, so that an old store becomes fast little by little.
  private func packNextPage() throws {
    guard let last = lastPackedPage else { return }
    let next = try facts(.unpackedPage)
    defer { next.reset() }
    next.bind(1, last)
    guard try next.step() else {
      lastPackedPage = nil
      return
    }
    let (id, day, first) = (next.int(0), next.int(2), next.int(3))
    let kind = UInt8(exactly: next.int(1)).flatMap(FactKind.init)
    next.reset()
    lastPackedPage = id
    guard let kind, FactLayout.of(kind) != nil else { return }
    let place = FactPlace(kind, day: day)
    let data = try pageData(id, place)
    guard let packed = try PackedFactPage.pack(data, kind) else { return }
    try write((first, data), packed: packed, at: place, replacing: id)
  }

  // MARK: Names

  /// Returns the numbers of these texts, in their order.
  func numberFactNames(_ texts: [String]) throws -> [Int64] {
    var numbers: [Int64] = []
    try transaction {
      var next = try reader.connection.number("SELECT max(id) FROM fact_name") + 1
      for text in texts {
        if let known = try factName(stored: text) {
          numbers.append(known)
          continue
        }
        let isRoom = next < Int64(FactName.limit)
        let kept = isRoom ? text : FactName.other
        if !isRoom, let other = try factName(stored: kept) {
          numbers.append(other)
          continue
        }
        let insert = try facts(.insertName)
        insert.bind(1, next)
        insert.bind(2, kept)
        try insert.run()
        numbers.append(next)
        next += 1
      }
    }
    return numbers
  }

  /// Looks in the table and not in the cache, which may only know committed names.
  private func factName(stored text: String) throws -> Int64? {
    let statement = try facts(.nameID)
    statement.bind(1, text)
    defer { statement.reset() }
    return try statement.step() ? statement.int(0) : nil
  }

  // MARK: Retention

  /// Notes that retention removes a subject. Its facts and what it added to roll-ups stay.
  func keepFacts(of sequence: Int64, _ key: SubjectKey) throws {
    let hadTallies = try forgetTallies(of: sequence)
    let statement = try facts(.hasFacts)
    statement.bind(1, sequence)
    defer { statement.reset() }
    guard try hadTallies || statement.step() else { return }
    try run(.keepFacts, Int64(bitPattern: FactID(goneSubject: key).rawValue))
  }

  /// Removes the facts of the oldest days before `day`, until at least `limit` rows are gone.
  ///
  /// - Returns: the number of removed rows.
  func removeFacts(before day: Int64, limit: Int) throws -> Int {
    var count = 0
    try transaction {
      try removeRollUps(before: FactDay(rawValue: Int32(clamping: day)))
      for kind in FactKind.allCases {
        while count < limit, let removed = try removeOldestFacts(kind, before: day, limit: limit - count) { count += removed }
      }
    }
    return count
  }

  /// Removes facts from the oldest page, or the oldest row if there is no page.
  ///
  /// - Returns: the number of removed rows; nil if there are neither.
  private func removeOldestFacts(_ kind: FactKind, before day: Int64, limit: Int) throws -> Int? {
    let bound = FactPlace(kind, day: day)
    let page = try facts(.oldestPage, bound)
    defer { page.reset() }
    if try page.step() {
      let (id, place) = (page.int(0), FactPlace(kind, day: page.int(1)))
      page.reset()
      return try removeFacts(fromPage: id, at: place, limit: limit)
    }
    let row = try facts(.oldestRow, bound)
    defer { row.reset() }
    guard try row.step() else { return nil }
    let (place, subject) = (FactPlace(kind, day: row.int(1)), row.int(2))
    row.reset()
    return try forgetFacts(of: [subject], at: place)
  }

  private func removeFacts(fromPage id: Int64, at place: FactPlace, limit: Int) throws -> Int {
    let data = try pageData(id, place)
    var removed: [Int64] = []
    var kept: [UInt8] = []
    var first: Int64?
    try data.withUnsafeBytes { bytes in
      var groups = FactPage(bytes)
      while let group = try groups.next() {
        if removed.count < limit {
          removed.append(group.subject)
        } else {
          first = first ?? group.subject
          FactPage.append(group.subject, group.rows, to: &kept)
        }
      }
    }
    let count = try forgetFacts(of: removed, at: place)
    try writePages(first.map { [($0, kept)] } ?? [], at: place, replacing: id)
    return count
  }

  /// Removes the newer rows of subjects at one place, and what is stored of the subjects beside the rows.
  ///
  /// - Parameter subjects: in ascending order.
  /// - Returns: the number of rows that the subjects have there.
  private func forgetFacts(of subjects: [Int64], at place: FactPlace) throws -> Int {
    var count = 0
    var deliveries: [(change: Int64, deploy: Int64)] = []
    try reader.visitFacts(of: subjects, at: place) { subject, rows in
      try FactRows.visit(rows) { bytes in
        count += 1
        var row = FactReader(bytes)
        guard place.kind == .deliveredChange, let delivered = try? DeliveredChange(from: &row) else { return }
        deliveries.append((Int64(bitPattern: delivered.change.rawValue), subject))
      }
    }
    for (change, deploy) in deliveries { try index(.deleteDelivery, change, deploy, place.day) }
    for subject in subjects {
      let delete = try facts(.deleteRow, place)
      delete.bind(3, subject)
      try delete.run()
      guard let (key, known) = try reader.factRecord(subject) else { continue }
      var record = known
      record.places.removeAll { $0.place == place }
      if record.places.isEmpty { try run(.deleteSubject, subject) } else { try write(record, of: subject, key) }
    }
    return count
  }
}
