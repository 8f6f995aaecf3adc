/// The facts of a ``MemorySpanStore``, and the work that waits for their computation.
struct MemoryFacts {
  /// A row without its id, as the store keeps it.
  struct Entry {
    var subject: FactSubject
    var rows: [EncodedFact]
  }

  /// What changed: a subject, a subject that turned out to be another one, or a branch.
  enum Change: Hashable {
    case subject(UInt64)
    case absorbed(UInt64)
    case branch(SubjectKey)
  }

  private(set) var entries: [FactID: Entry] = [:]
  /// The subjects with facts of a kind, by day. Facts without a day are under nil.
  private var places: [FactKind: [FactDay?: Set<FactID>]] = [:]
  private var deploysOfChanges: [FactID: Set<FactID>] = [:]
  private(set) var values: [String: [UInt8]] = [:]
  private(set) var rollUps = MemoryRollUps()
  /// The keys of removed subjects with facts or tallies.
  private(set) var keptFacts: Set<SubjectKey> = []
  private var numbers: [ExactText: FactName] = [:]
  private var texts: [String] = []

  /// The waiting changes with the number of the last write that added each, and a queue with outdated entries.
  private var waiting: [Change: (number: UInt64, earliest: Timestamp?)] = [:]
  private var queue: [(number: UInt64, change: Change)] = []
  private var lastNumber: UInt64 = 0
  /// The subjects that await computation: those from `next` up to but not including `end`.
  private(set) var next: UInt64 = 1
  private(set) var end: UInt64 = 1

  private(set) var exclusions = ExclusionTable()

  private static let subjectsBit: UInt64 = 1 << 63

  init() {}

  /// Creates an empty store whose tickets differ from those of another one.
  init(after other: MemoryFacts) {
    lastNumber = other.lastNumber
  }

  // MARK: Work

  /// Notes what a step of the projection changed.
  mutating func note(_ changes: [Change], _ updates: [BranchUpdate]) {
    for change in changes { add(change, nil) }
    for update in updates { add(.branch(update.branch), update.time.timestamp) }
    // Nobody may ever take the changes, so outdated entries must not pile up.
    if queue.count > 2 * waiting.count + 1024 { queue.removeAll { waiting[$0.change]?.number != $0.number } }
  }

  private mutating func add(_ change: Change, _ time: Timestamp?) {
    lastNumber += 1
    let known = waiting[change]?.earliest
    waiting[change] = (lastNumber, known.flatMap { known in time.map { min(known, $0) } } ?? time)
    queue.append((lastNumber, change))
  }

  var waitingCount: Int { waiting.count }

  /// The oldest changes, and whether there are more.
  func oldest(limit: Int) -> (changes: [(change: Change, earliest: Timestamp?)], ticket: PendingFacts.Ticket?, hasMore: Bool) {
    var changes: [(change: Change, earliest: Timestamp?)] = []
    var last: UInt64?
    for (number, change) in queue {
      guard let known = waiting[change], known.number == number else { continue }
      guard changes.count < max(1, limit) else { return (changes, last.map(PendingFacts.Ticket.init), true) }
      changes.append((change, known.earliest))
      last = number
    }
    return (changes, last.map(PendingFacts.Ticket.init), next < end)
  }

  static func ticket(before sequence: UInt64) -> PendingFacts.Ticket {
    PendingFacts.Ticket(rawValue: subjectsBit | sequence)
  }

  private mutating func complete(_ ticket: PendingFacts.Ticket) {
    if ticket.rawValue & Self.subjectsBit != 0 {
      next = max(next, ticket.rawValue & ~Self.subjectsBit)
      return
    }
    let done = queue.prefix { $0.number <= ticket.rawValue }
    for (number, change) in done where waiting[change]?.number == number { waiting[change] = nil }
    queue.removeFirst(done.count)
  }

  /// Makes the subjects before `end` await computation again.
  mutating func recompute(from first: UInt64, to end: UInt64, branches: [SubjectKey: Timestamp]) {
    next = first
    self.end = end
    for (branch, time) in branches.sorted(by: { $0.key < $1.key }) { add(.branch(branch), time) }
  }

  // MARK: Writing

  mutating func write(_ changes: FactChanges) {
    for facts in changes.facts {
      remove(facts.subject.id)
      if !facts.rows.isEmpty { add(facts) }
    }
    for id in changes.removed { remove(id) }
    rollUps.write(changes)
    for (name, bytes) in changes.values { values[name] = bytes.isEmpty ? nil : bytes }
    if let ticket = changes.completed { complete(ticket) }
  }

  private mutating func add(_ facts: SubjectFacts) {
    let id = facts.subject.id
    if exclusions.unknown.contains(facts.subject.key) { know(facts.subject) }
    entries[id] = Entry(subject: facts.subject, rows: facts.rows)
    if id.isOfGoneSubject { keptFacts.insert(facts.subject.key) }
    for row in facts.rows {
      places[row.kind, default: [:]][row.day, default: []].insert(id)
      if let change = row.change { deploysOfChanges[change, default: []].insert(id) }
    }
  }

  mutating func remove(_ id: FactID) {
    guard let entry = entries.removeValue(forKey: id) else { return }
    for row in entry.rows { forget(row, of: id) }
  }

  private mutating func forget(_ row: EncodedFact, of id: FactID) {
    places[row.kind]?[row.day]?.remove(id)
    if places[row.kind]?[row.day]?.isEmpty == true { places[row.kind]?[row.day] = nil }
    if let change = row.change {
      deploysOfChanges[change]?.remove(id)
      if deploysOfChanges[change]?.isEmpty == true { deploysOfChanges[change] = nil }
    }
  }

  mutating func remove(before day: FactDay, limit: Int) -> Int {
    rollUps.remove(before: day)
    var count = 0
    while count < limit {
      let old = places.values.lazy.flatMap(\.keys).compactMap { $0 }.min()
      guard let old, old < day else { break }
      let ids = Set(places.values.lazy.compactMap { $0[old] }.flatMap { $0 })
      for id in ids where count < limit {
        guard var entry = entries[id] else { continue }
        let removed = entry.rows.filter { $0.day == old }
        count += removed.count
        remove(id)
        entry.rows.removeAll { $0.day == old }
        if !entry.rows.isEmpty { add(SubjectFacts(subject: entry.subject, rows: entry.rows)) }
      }
    }
    return count
  }

  /// Notes that retention removes subjects. Their facts and what they added to roll-ups stay.
  mutating func keepFacts(of subjects: [(id: FactID, key: SubjectKey)]) {
    for (id, key) in subjects where entries[id] != nil || rollUps.tallies[id] != nil { keptFacts.insert(key) }
    rollUps.forget(subjects.map(\.id))
  }

  mutating func number(_ text: String) -> FactName {
    if let known = numbers[ExactText(text)] { return known }
    let isKept = texts.count < FactName.limit - 1 || text == FactName.other
    if !isKept { return number(FactName.other) }
    texts.append(text)
    let number = FactName(rawValue: UInt32(clamping: texts.count))
    numbers[ExactText(text)] = number
    return number
  }

  // MARK: Exclusions

  /// - Parameter place: The id of the item among the stored subjects. Nil if it is not stored.
  mutating func take(_ change: ExclusionChange, at time: Timestamp, place: FactID?) {
    switch change.action {
    case .include: exclusions.remove(change.item)
    case .exclude:
      guard exclusions.entries.count < Exclusion.limit || exclusions.entries[change.item] != nil else { return }
      let exclusion = Exclusion(item: change.item, reason: change.reason, actor: change.actor, time: time)
      let isDirect = change.item.directChange != nil
      let known = place ?? entries.first { $0.value.subject.key == change.item.key && !$0.key.isDirect }?.key
      exclusions.set(.init(exclusion, fact: isDirect ? nil : known))
    }
  }

  private mutating func know(_ subject: FactSubject) {
    guard !subject.id.isDirect, var entry = exclusions.entries[ExcludedItem(subject.key)] else { return }
    entry.fact = subject.id
    exclusions.set(entry)
  }

  /// Takes over the exclusion of a subject that turned out to be another one.
  mutating func moveExclusion(from fallback: SubjectKey, to key: SubjectKey, place: FactID?) {
    guard let entry = exclusions.entries[ExcludedItem(fallback)] else { return }
    exclusions.remove(ExcludedItem(fallback))
    guard exclusions.entries[ExcludedItem(key)] == nil else { return }
    var moved = entry.exclusion
    moved.item = ExcludedItem(key)
    exclusions.set(.init(moved, fact: place))
  }

  // MARK: Reading

  func text(of name: FactName) -> String? {
    let index = Int(name.rawValue) - 1
    return texts.indices.contains(index) ? texts[index] : nil
  }

  /// The rows of a kind, in order of days, and those without a day last.
  func rows(of kind: FactKind, days: ClosedRange<FactDay>?, includesOpen: Bool) -> [[UInt8]] {
    let known = places[kind] ?? [:]
    let wanted = known.keys.compactMap { $0 }.filter { days?.contains($0) ?? false }.sorted().map(Optional.some)
    return (wanted + (includesOpen ? [nil] : [])).flatMap { day in
      (known[day] ?? []).sorted().flatMap { id in
        (entries[id]?.rows ?? []).filter { $0.kind == kind && $0.day == day }.map(\.bytes)
      }
    }
  }

  func rows(of kind: FactKind, about id: FactID) -> [[UInt8]] {
    (entries[id]?.rows ?? []).filter { $0.kind == kind }.map(\.bytes)
  }

  func deliveries(of change: FactID) -> [[UInt8]] {
    (deploysOfChanges[change] ?? []).sorted().flatMap { deploy in
      (entries[deploy]?.rows ?? []).filter { $0.change == change }.map(\.bytes)
    }
  }

  var firstDay: FactDay? { places.values.lazy.flatMap(\.keys).compactMap { $0 }.min() }

  static func decode<Row: Fact>(_ type: Row.Type, _ bytes: [UInt8]) -> Row? {
    bytes.withUnsafeBytes { buffer in
      var reader = FactReader(buffer)
      return try? Row(from: &reader)
    }
  }
}
