import Testing
package import ValueStreamCore

/// Checks what every span store must do.
package struct SpanStoreContract: Sendable {
  /// Makes an empty store.
  package var makeStore: @Sendable () throws -> any SpanStore
  /// Closes a store and opens it again; nil if the store does not persist.
  package var reopen: (@Sendable (any SpanStore) throws -> any SpanStore)?

  package init(
    makeStore: @escaping @Sendable () throws -> any SpanStore,
    reopen: (@Sendable (any SpanStore) throws -> any SpanStore)? = nil
  ) {
    self.makeStore = makeStore
    self.reopen = reopen
  }

  // MARK: Subjects

  package func checkSubjects() throws {
    let store = try makeStore()
    defer { store.close() }
    #expect(try store.subjects([StoreSamples.issueKey(1)]).isEmpty)
    let odd = ["0", "007", "-1", "9223372036854775807", "9223372036854775808", "=site", "a-12", "ü:b"].map { id in
      Subject(key: SubjectKey(source: "customhttp", host: "", container: "release", kind: "deploy", id: id))
    }
    let subjects = [StoreSamples.richSubject(), StoreSamples.issue(1), StoreSamples.issue(2, isOpen: false)] + odd
    try store.write(StoreSamples.changes(subjects))
    let keys = subjects.map(\.key)
    var found = try store.subjects(keys + [StoreSamples.issueKey(3), StoreSamples.issueKey(1, repository: 2)] + keys)
    #expect(found == Dictionary(uniqueKeysWithValues: subjects.map { ($0.key, $0) }))

    let (unknown, sizes) = (StoreSamples.issueKey(3), subjects.map { $0.encoded().count })
    let whole = try store.subjects(keys + [unknown] + keys, atMost: sizes.reduce(0, +))
    #expect(whole == Dictionary(uniqueKeysWithValues: subjects.map { ($0.key, $0) } + [(unknown, nil)]))
    let some = try store.subjects(keys + [unknown], atMost: sizes.max() ?? 0)
    #expect(some[unknown] == .some(nil))
    for (key, subject) in some where key != unknown { #expect(subject == found[key]) }

    var changed = StoreSamples.issue(1, isOpen: false)
    changed.parent = ParentTie(parent: keys[0], rule: .commit, reference: Reference(.commit, "ab"))
    try store.write(StoreSamples.changes([changed]))
    found = try store.subjects(keys)
    #expect(found[changed.key] == changed)
    #expect(found.count == keys.count)

    var removal = ProjectionChanges()
    removal.absorbed = [keys[3]: keys[0], SubjectKey(source: "a", host: "", container: "", kind: "never", id: "seen"): keys[0]]
    try store.write(removal)
    #expect(try store.subjects([keys[3]]).isEmpty)
    #expect(try store.publishers(of: [.key(keys[3])])[.key(keys[3])] == [])
  }

  package func checkReferences() throws {
    let store = try makeStore()
    defer { store.close() }
    let shared = [
      Reference(.classicID, "vstrace-github-issue-acme/site1-1"), Reference(.issue, "TP-3"), Reference(.issue, "TP-03"),
      Reference(.issue, "TP-9223372036854775808"), Reference(.branch, "github.com/acme/site@feature/TP-3"),
      Reference(.commit, "0123456789abcdef0123456789abcdef01234567"), Reference(.change, "github.com/acme/site!3"),
      Reference("other", "TP-3"), Reference(.issue, ""), Reference(.issue, "36"), Reference(.issue, "ü-0"),
    ]
    let keys = (1...3).map { StoreSamples.issueKey($0) }
    var changes = ProjectionChanges()
    for (index, key) in keys.reversed().enumerated() {
      var change = StoreSamples.change(Subject(key: key))
      // All subjects publish the first reference. Only the subject at index 0 publishes the others.
      change.newAliases = index == 0 ? shared : [shared[0]]
      change.newFollows = index == 1 ? shared : [shared[1]]
      changes.subjects.append(change)
    }
    try store.write(changes)
    try store.write(changes)
    let unknown = [Reference(.issue, "TP-4"), Reference(.issue, "UP-3"), Reference("third", "TP-3")]
    let publishers = try store.publishers(of: shared + unknown + [shared[0]])
    #expect(publishers[shared[0]] == keys)
    for reference in shared.dropFirst() { #expect(publishers[reference] == [keys[2]], "\(reference)") }
    let followers = try store.followers(of: shared + unknown)
    #expect(followers[shared[1]] == keys)
    for reference in shared where reference != shared[1] { #expect(followers[reference] == [keys[1]], "\(reference)") }
    for reference in unknown {
      #expect(publishers[reference] ?? [] == [])
      #expect(followers[reference] ?? [] == [])
    }
    // The subjects were written last key first.
    let places = try store.places(of: keys)
    func around(_ place: UInt64?, _ limit: Int) throws -> [SubjectKey] {
      try store.publishers(of: shared[0], around: try #require(place), limit: limit)
    }
    #expect(try around(places[keys[1]], 1) == [keys[1], keys[2]])
    #expect(try around(places[keys[0]], 1) == [keys[0], keys[1]])
    #expect(try around(places[keys[2]], 2) == [keys[1], keys[2]])
    #expect(try around(.max, 2) == [keys[0], keys[1]])
    #expect(try around(0, 9) == keys)
    #expect(try around(.max, 0) == [])
    #expect(try store.publishers(of: unknown[0], around: .max, limit: 9) == [])
    let own = try store.publishers(of: [.key(keys[0]), .key(StoreSamples.issueKey(4)), Reference(.key, "no key")])
    #expect(own[.key(keys[0])] == [keys[0]])
    #expect(own[.key(StoreSamples.issueKey(4))] ?? [] == [])
    #expect(own[Reference(.key, "no key")] ?? [] == [])

    // A subject may lose references, and get some of them in the same change.
    var lost = StoreSamples.change(Subject(key: keys[0]))
    (lost.newAliases, lost.newFollows) = ([shared[2]], [])
    lost.lostAliases = [shared[0], shared[3], unknown[0]]
    lost.lostFollows = [shared[1], unknown[0]]
    changes.subjects = [lost]
    try store.write(changes)
    let left = try store.publishers(of: Array(shared.prefix(4)))
    #expect(left == [shared[0]: [keys[1], keys[2]], shared[1]: [keys[2]], shared[2]: [keys[0], keys[2]], shared[3]: [keys[2]]])
    #expect(try store.followers(of: [shared[1]]) == [shared[1]: [keys[1], keys[2]]])
  }

  // MARK: Lists

  package func checkPages() throws {
    let store = try makeStore()
    defer { store.close() }
    for start in stride(from: 1, to: 30, by: 10) {
      try store.write(StoreSamples.changes((start..<start + 10).map { StoreSamples.issue($0) }))
    }
    try store.write(StoreSamples.changes([Subject(key: StoreSamples.issueKey(99))]))
    var listed: [SubjectKey] = []
    var cursor: UInt64?
    var pageCount = 0
    repeat {
      let page = try store.subjects(matching: SubjectFilter(), after: cursor, limit: 7)
      listed += page.subjects.map(\.key)
      cursor = page.next
      pageCount += 1
      // Subjects that are added or changed between two pages must not disturb the later pages.
      try store.write(StoreSamples.changes([StoreSamples.issue(1000 + pageCount), StoreSamples.issue(pageCount, isOpen: false)]))
    } while cursor != nil
    #expect(listed.count == 30)
    #expect(Set(listed) == Set((1...30).map { StoreSamples.issueKey($0) }))
    #expect(listed.first?.encodedID != "99", "things without spans are not listed")
    #expect(pageCount == 5)
    let newest = try store.subjects(matching: SubjectFilter(), after: nil, limit: 1)
    #expect(newest.subjects.map(\.key) == [StoreSamples.issueKey(1005)])
    #expect(try store.subjects(matching: SubjectFilter(), after: nil, limit: 35).next == nil)
  }

  package func checkFilters() throws {
    let store = try makeStore()
    defer { store.close() }
    let operations: [Operation?] = [.issue, .build, nil]
    let outcomes: [Outcome?] = [.success, .failure, nil]
    var summaries: [SubjectKey: SubjectSummary] = [:]
    var changes = ProjectionChanges()
    for number in 0..<90 {
      var change = StoreSamples.change(StoreSamples.issue(number))
      change.summary = SubjectSummary(
        operation: operations[number % 3], source: number % 5 == 0 ? "gitlab" : "github",
        project: number % 2 == 0 ? nil : "acme/site\(number % 7)", outcome: outcomes[number / 3 % 3],
        start: StoreSamples.time(Int64(number)), end: number % 4 == 0 ? nil : StoreSamples.time(Int64(number + 10)))
      summaries[change.subject.key] = change.summary
      changes.subjects.append(change)
    }
    try store.write(changes)
    for filter in Self.filters() {
      let expected = changes.subjects.map(\.subject.key).reversed().filter { summaries[$0].map(filter.matches) ?? false }
      var listed: [SubjectKey] = []
      var cursor: UInt64?
      repeat {
        let page = try store.subjects(matching: filter, after: cursor, limit: 4)
        listed += page.subjects.map(\.key)
        cursor = page.next
      } while cursor != nil
      #expect(listed == expected, "\(filter)")
    }
    // Filters must use the changed summary.
    changes.subjects[0].summary.outcome = .timeout
    changes.subjects[0].summary.project = "moved"
    try store.write(changes)
    var filter = SubjectFilter()
    filter.outcome = .timeout
    filter.project = "moved"
    #expect(try store.subjects(matching: filter, after: nil, limit: 9).subjects.map(\.key) == [StoreSamples.issueKey(0)])
  }

  /// Every order lists what matches, by its times, in pages that go on where the last one ended.
  package func checkOrders() throws {
    let store = try makeStore()
    defer { store.close() }
    let operations: [Operation?] = [.issue, .build, .deploy, nil]
    var changes = ProjectionChanges()
    for number in 0..<80 {
      var change = StoreSamples.change(StoreSamples.issue(number))
      // Several subjects have the same times.
      let start = Int64(number / 3 * 7 % 40)
      change.summary = SubjectSummary(
        operation: operations[number % 4], source: number % 5 == 0 ? "gitlab" : "github",
        project: number % 2 == 0 ? nil : "acme/site\(number % 7)", outcome: number % 3 == 0 ? .success : nil,
        start: StoreSamples.time(start), end: number % 6 == 0 ? nil : StoreSamples.time(start + Int64(number % 9)))
      changes.subjects.append(change)
    }
    try store.write(changes)
    let places = try store.places(of: changes.subjects.map(\.subject.key))
    for order in SubjectOrder.allCases {
      for filter in Self.filters() {
        let expected = changes.subjects.filter { filter.matches($0.summary) }.compactMap { change in
          places[change.subject.key].flatMap { order.place(of: change.summary, sequence: $0) }
            .map { (place: $0, key: change.subject.key) }
        }
        let sorted = expected.sorted { $0.place > $1.place }.map(\.key)
        #expect(try Self.listed(store, filter, order, limit: 3) == sorted, "\(order) \(filter)")
      }
      #expect(try store.subjects(matching: SubjectFilter(), in: order, after: nil, limit: 0).subjects.isEmpty)
      #expect(try store.subjects(matching: SubjectFilter(), in: order, after: nil, limit: 80).next == nil)
    }
    // A change between two pages moves only what changed.
    let first = try store.subjects(matching: SubjectFilter(), in: .end, after: nil, limit: 10)
    let seen = Set(first.subjects.map(\.subject.key))
    let before = try Self.listed(store, SubjectFilter(), .end, limit: 100)
    var moved = changes.subjects.last { seen.contains($0.subject.key) }
    moved?.summary.end = StoreSamples.time(1000)
    try store.write(StoreSamples.changes([StoreSamples.issue(1000, isOpen: false)]))
    var update = ProjectionChanges()
    update.subjects = [moved].compactMap { $0 }
    try store.write(update)
    #expect(try Self.listed(store, SubjectFilter(), .end, after: first.next, limit: 100) == Array(before.dropFirst(10)))
  }

  private static func listed(
    _ store: any SpanStore, _ filter: SubjectFilter, _ order: SubjectOrder, after cursor: SubjectPlace? = nil, limit: Int
  ) throws -> [SubjectKey] {
    var listed: [SubjectKey] = []
    var cursor = cursor
    repeat {
      let page = try store.subjects(matching: filter, in: order, after: cursor, limit: limit)
      #expect(page.subjects.count <= limit)
      listed += page.subjects.map(\.subject.key)
      // Cursors survive being written in an address.
      cursor = page.next.flatMap { SubjectPlace($0.description) }
    } while cursor != nil
    return listed
  }

  private static func filters() -> [SubjectFilter] {
    var filters = [SubjectFilter()]
    func add(_ change: (inout SubjectFilter) -> Void) {
      filters += filters.map { filter in
        var filter = filter
        change(&filter)
        return filter
      }
    }
    add { $0.operation = .build }
    add { $0.source = "github" }
    add { $0.project = "acme/site3" }
    add { $0.outcome = .failure }
    add { $0.isOpen = $0.source == nil }
    add { $0.endedAfter = StoreSamples.time(40) }
    add { $0.startedBefore = StoreSamples.time(70) }
    add { $0.startedAfter = StoreSamples.time(15) }
    add { $0.endedBefore = StoreSamples.time(90) }
    add { $0.duration = DurationBounds(minimum: 10_000_000_000, maximum: 15_000_000_000, now: StoreSamples.time(50)) }
    var never = SubjectFilter()
    never.project = "never seen"
    return filters + [never]
  }

  /// Places increase in the order of appearance, and each works as a cursor of a list.
  package func checkPlaces() throws {
    let store = try makeStore()
    defer { store.close() }
    let keys = [3, 1, 2].map { StoreSamples.issueKey($0) }
    for number in [3, 1, 2] { try store.write(StoreSamples.changes([StoreSamples.issue(number)])) }
    let places = try store.places(of: keys + [StoreSamples.issueKey(4), keys[0]])
    #expect(places.count == 3)
    #expect(keys.sorted { places[$0] ?? 0 < places[$1] ?? 0 } == keys)
    let after = try store.subjects(matching: SubjectFilter(), after: places[keys[1]], limit: 9)
    #expect(after.subjects.map(\.key) == [keys[0]], "a place is a cursor")
  }

  // MARK: Traces

  package func checkTraces() throws {
    var store = try makeStore()
    defer { store.close() }
    let unknown = TraceID(high: 3, low: 4)
    #expect(try store.keys(ofTrace: unknown, limit: 9).isEmpty)
    // More subjects than a store may index at a time.
    let keys = (0..<5000).map { StoreSamples.issueKey($0) }
    for start in [0, 2500] {
      try store.write(StoreSamples.changes(keys[start..<start + 2500].map { Subject(key: $0) }))
    }
    let shared = TraceID(high: .max, low: 7)
    let records = [7, 3, 4990].map { ExportRecord(key: keys[$0], traceID: shared) }
    try store.addExportRecords(records)
    try store.addExportRecords([ExportRecord(key: keys[7], traceID: unknown)] + records)
    try store.addExportRecords([ExportRecord(key: keys[8], traceID: TraceID(root: keys[9]))])
    for round in 0..<2 {
      for number in [0, 1, 2499, 4095, 4096, 4999] {
        #expect(try store.keys(ofTrace: TraceID(root: keys[number]), limit: 9) == [keys[number]], "\(number)")
      }
      #expect(try store.keys(ofTrace: shared, limit: 9) == [keys[3], keys[7], keys[4990]].sorted())
      #expect(try store.keys(exportedIn: shared, limit: 9) == [keys[3], keys[7], keys[4990]].sorted())
      #expect(try store.keys(exportedIn: shared, limit: 2).count == 2)
      #expect(try Set(store.keys(exportedIn: TraceID(root: keys[9]), limit: 9)).subtracting([keys[9]]) == [keys[8]])
      #expect(try Set(store.keys(exportedIn: TraceID(root: keys[0]), limit: 9)).subtracting([keys[0]]).isEmpty)
      #expect(try store.keys(ofTrace: shared, limit: 2).count == 2)
      #expect(try store.keys(ofTrace: shared, limit: 0).isEmpty)
      #expect(try store.keys(ofTrace: TraceID(high: shared.high, low: 8), limit: 9).isEmpty)
      #expect(try store.keys(ofTrace: TraceID(root: keys[9]), limit: 9) == [keys[8], keys[9]].sorted())
      #expect(try store.keys(ofTrace: unknown, limit: 9).isEmpty, "the ledger keeps what it says first")
      if round == 0, let reopen { store = try reopen(store) }
    }

    var absorption = ProjectionChanges()
    absorption.absorbed = [keys[3]: keys[4], keys[4990]: keys[4991]]
    try store.write(absorption)
    #expect(try store.keys(ofTrace: shared, limit: 9) == [keys[4], keys[7], keys[4991]].sorted())
    #expect(try store.keys(exportedIn: shared, limit: 9) == [keys[4], keys[7], keys[4991]].sorted())
    #expect(try store.keys(ofTrace: TraceID(root: keys[3]), limit: 9).isEmpty)
    #expect(try store.keys(ofTrace: TraceID(root: keys[4990]), limit: 9).isEmpty)
  }

  package func checkKinds() throws {
    var store = try makeStore()
    defer { store.close() }
    #expect(try store.kinds().isEmpty)
    try store.write(StoreSamples.changes([StoreSamples.issue(1), StoreSamples.issue(2), Subject(key: StoreSamples.issueKey(3))]))
    let issue = SubjectKind(source: "github", host: "github.com", operation: .issue)
    #expect(try store.kinds() == [issue])
    var change = StoreSamples.change(StoreSamples.issue(1))
    change.summary.operation = .incident
    var changes = ProjectionChanges()
    changes.subjects = [change, StoreSamples.change(StoreSamples.richSubject())]
    for _ in 0..<2 {
      try store.write(changes)
      let incident = SubjectKind(source: "github", host: "github.com", operation: .incident)
      let custom = SubjectKind(source: "customhttp", host: "", operation: "custom op")
      #expect(try store.kinds() == [custom, incident, issue].sorted())
      if let reopen { store = try reopen(store) }
    }
    changes.subjects = (0..<SubjectKind.limit + 50).map { number in
      var change = StoreSamples.change(Subject(key: StoreSamples.issueKey(number)))
      change.summary.operation = Operation(rawValue: "kind \(number)")
      return change
    }
    try store.write(changes)
    #expect(try store.kinds().count == SubjectKind.limit)
  }

  // MARK: Outbox

  package func checkOutbox() throws {
    let store = try makeStore()
    defer { store.close() }
    #expect(try store.outboxEntries(after: 0, limit: 10).isEmpty)
    #expect(try store.outboxEntryCount(after: 0) == 0)
    #expect(try store.exportProgress().isEmpty)
    var expected: [OutboxEntry] = []
    for round in 0..<4 {
      var changes = StoreSamples.changes([StoreSamples.issue(round, isOpen: false)])
      changes.outboxEntries = (1...3).map { attempt in
        OutboxEntry(key: StoreSamples.issueKey(round), attempt: attempt, time: StoreSamples.time(Int64(round)))
      }
      expected += changes.outboxEntries
      try store.write(changes)
    }
    let all = try store.outboxEntries(after: 0, limit: 100)
    #expect(all.map(\.outboxEntry) == expected)
    #expect(all.allSatisfy { $0.sequence > 0 })
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.sequence < $1.sequence })
    let page = try store.outboxEntries(after: all[4].sequence, limit: 3)
    #expect(page.map(\.outboxEntry) == Array(expected[5..<8]))
    #expect(try store.outboxEntryCount(after: 0) == 12)
    #expect(try store.outboxEntryCount(after: all[4].sequence) == 7)
    #expect(try store.outboxEntryCount(after: all[11].sequence) == 0)

    let first = ExportProgress(sequence: all[4].sequence, sent: 4, refused: 1)
    try store.setExportProgress(first, for: "otlp")
    try store.setExportProgress(ExportProgress(sequence: 1), for: "logging")
    try store.setExportProgress(ExportProgress(sequence: 2, sent: 2), for: "logging")
    #expect(try store.exportProgress() == ["otlp": first, "logging": ExportProgress(sequence: 2, sent: 2)])
    let failing = ExportProgress(sequence: 9, sent: 1, refused: 2, dropped: 3, failingSince: StoreSamples.time(5))
    try store.setExportProgress(failing, for: "otlp")
    #expect(try store.exportProgress()["otlp"] == failing)
  }

  package func checkRejections() throws {
    let store = try makeStore()
    defer { store.close() }
    #expect(try store.exportRejections(of: nil, before: nil, limit: 10).isEmpty)
    func rejection(_ number: Int, of exporter: String) -> ExportRejection {
      let attempts = (1...2).map { ExportRejection.Attempt(key: StoreSamples.issueKey(number), number: $0) }
      return ExportRejection(
        exporter: exporter, time: StoreSamples.time(Int64(number)), count: 1, reason: "no \(number), \"née\"\n",
        attempts: attempts)
    }
    for number in 1...5 {
      let exporter = number % 2 == 0 ? "datadog" : "otlp"
      let progress = ExportProgress(sequence: UInt64(number), refused: 1)
      try store.setExportProgress(progress, for: exporter, rejection: rejection(number, of: exporter))
      #expect(try store.exportProgress()[exporter] == progress)
    }
    let all = try store.exportRejections(of: nil, before: nil, limit: 10)
    #expect(all.map(\.rejection) == (1...5).reversed().map { rejection($0, of: $0 % 2 == 0 ? "datadog" : "otlp") })
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.sequence > $1.sequence })
    let page = try store.exportRejections(of: "otlp", before: all[0].sequence, limit: 1)
    #expect(page.map(\.rejection) == [rejection(3, of: "otlp")])
    #expect(try store.exportRejections(of: "zipkin", before: nil, limit: 10).isEmpty)
    #expect(try store.exportRejections(of: nil, before: nil, limit: 0).isEmpty)

    // The store keeps only the newest rejections.
    for number in 6...ExportRejection.keptCount + 3 {
      try store.setExportProgress(ExportProgress(), for: "otlp", rejection: rejection(number, of: "otlp"))
    }
    let kept = try store.exportRejections(of: nil, before: nil, limit: 2000)
    #expect(kept.count == ExportRejection.keptCount)
    #expect(kept.last?.rejection == rejection(4, of: "datadog"))
  }

  // MARK: Export ledger

  package func checkExportRecords() throws {
    let store = try makeStore()
    defer { store.close() }
    let keys = (1...4).map { StoreSamples.issueKey($0) }
    try store.write(StoreSamples.changes([StoreSamples.issue(1), StoreSamples.issue(2)]))
    #expect(try store.exportRecords(of: keys).isEmpty)
    let traces = [TraceID(high: 1, low: .max), TraceID(high: .max, low: 0)]
    let first = ExportRecord(
      key: keys[0], traceID: traces[0],
      attempts: [ExportedAttempt(number: 2, parentSpanID: SpanID(rawValue: .max)), ExportedAttempt(number: 3, parentSpanID: nil)])
    let ancestor = ExportRecord(key: keys[1], traceID: traces[0])
    try store.addExportRecords([first, ancestor])
    #expect(try store.exportRecords(of: keys) == [keys[0]: first, keys[1]: ancestor])

    // Existing entries stay unchanged; new attempts are added.
    let later = ExportRecord(
      key: keys[0], traceID: traces[1],
      attempts: [ExportedAttempt(number: 1, parentSpanID: nil), ExportedAttempt(number: 2, parentSpanID: nil)])
    try store.addExportRecords([later])
    var expected = first
    expected.attempts.insert(ExportedAttempt(number: 1, parentSpanID: nil), at: 0)
    #expect(try store.exportRecords(of: [keys[0]]) == [keys[0]: expected])
    try store.addExportRecords([])
  }

  /// A subject known only by a name, which has outbox entries and export records, turns out to be another one.
  ///
  /// That one takes over both.
  package func checkAbsorption() throws {
    let store = try makeStore()
    defer { store.close() }
    let name = SubjectKey(source: "github", host: "", container: "=site", kind: "issue", id: "1")
    let key = StoreSamples.issueKey(1)
    var changes = StoreSamples.changes([Subject(key: name), StoreSamples.issue(2, isOpen: false)])
    changes.outboxEntries = [
      OutboxEntry(key: name, attempt: 1, time: StoreSamples.time(0)),
      OutboxEntry(key: StoreSamples.issueKey(2), attempt: 1, time: StoreSamples.time(0)),
      OutboxEntry(key: name, attempt: 2, time: StoreSamples.time(1)),
    ]
    try store.write(changes)
    let record = ExportRecord(
      key: name, traceID: TraceID(root: name), attempts: [ExportedAttempt(number: 1, parentSpanID: nil)])
    try store.addExportRecords([record])
    let before = try store.outboxEntries(after: 0, limit: 9)

    var absorption = StoreSamples.changes([StoreSamples.issue(1, isOpen: false)])
    absorption.absorbed = [name: key]
    absorption.outboxEntries = [OutboxEntry(key: key, attempt: 3, time: StoreSamples.time(2))]
    try store.write(absorption)
    let after = try store.outboxEntries(after: 0, limit: 9)
    #expect(after.map(\.sequence).prefix(3) == before.map(\.sequence)[...])
    #expect(after.map(\.outboxEntry.key) == [key, StoreSamples.issueKey(2), key, key])
    #expect(after.map(\.outboxEntry.attempt) == [1, 1, 2, 3])
    #expect(try store.subjects([name]).isEmpty)
    #expect(try store.exportRecords(of: [name, key]).map { [$0.key: $0.value.attempts] } == [[key: record.attempts]])
    #expect(try store.exportRecords(of: [key])[key]?.traceID == record.traceID)

    // Removing the subject also removes all its outbox entries.
    #expect(try store.removeFinished(before: StoreSamples.time(1000), awaitedBy: [], limit: 10) == 2)
    #expect(try store.outboxEntries(after: 0, limit: 9).isEmpty)
    #expect(try store.exportRecords(of: [key]).isEmpty)
  }

  // MARK: Measurements, values, fingerprints and branch updates

  package func checkMeasurements() throws {
    var store = try makeStore()
    defer { store.close() }
    let keys = (0...5).map { StoreSamples.issueKey($0) }
    func time(_ seconds: Int64) -> Timestamp { StoreSamples.time(seconds) }
    func awaiting(_ latest: Int64, orAfter now: Int64? = nil, limit: Int = 10) throws -> [SubjectKey] {
      try store.awaitingMeasurement(since: time(latest), orAfter: time(now ?? latest + 100), limit: limit).map(\.key)
    }
    var changes = StoreSamples.changes((0..<5).map { StoreSamples.issue($0, isOpen: false) })
    for number in 0..<4 { changes.measurements[keys[number]] = .awaits(since: time(Int64(10 - number)), counted: []) }
    changes.measurements[keys[5]] = .awaits(since: time(0), counted: [])
    try store.write(changes)
    #expect(try store.measurements(of: keys).count == 4, "what is not stored is not measured")
    if let reopen { store = try reopen(store) }
    #expect(try awaiting(6).isEmpty)
    #expect(try awaiting(9) == [keys[3], keys[2], keys[1]])
    #expect(try awaiting(9, limit: 2) == [keys[3], keys[2]])
    #expect(try awaiting(0, orAfter: 8) == [keys[1], keys[0]])

    // A subject keeps the earliest time since which it awaits measurement, and keeps what was counted.
    var next = ProjectionChanges()
    next.measurements = [
      keys[3]: .awaits(since: time(50), counted: [9]), keys[2]: .counted(Array("one\n".utf8)),
      keys[4]: .awaits(since: time(60), counted: Array("four\n".utf8)),
    ]
    try store.write(next)
    #expect(
      try store.measurements(of: keys) == [
        keys[0]: Measurement(awaitsSince: time(10), counted: []), keys[1]: Measurement(awaitsSince: time(9), counted: []),
        keys[2]: Measurement(awaitsSince: nil, counted: Array("one\n".utf8)),
        keys[3]: Measurement(awaitsSince: time(7), counted: []),
        keys[4]: Measurement(awaitsSince: time(60), counted: Array("four\n".utf8)),
      ])
    next.measurements = [keys[2]: .awaits(since: time(70), counted: [])]
    try store.write(next)
    #expect(try awaiting(70) == [keys[3], keys[1], keys[0], keys[4], keys[2]])

    // If two subjects turn out to be one, what was counted of both is kept.
    var absorption = ProjectionChanges()
    absorption.absorbed = [keys[4]: keys[2], keys[0]: keys[1]]
    try store.write(absorption)
    #expect(
      try store.measurements(of: keys) == [
        keys[1]: Measurement(awaitsSince: time(9), counted: []),
        keys[2]: Measurement(awaitsSince: time(60), counted: Array("one\nfour\n".utf8)),
        keys[3]: Measurement(awaitsSince: time(7), counted: []),
      ])
    #expect(try awaiting(70) == [keys[3], keys[1], keys[2]])
    _ = try store.removeFinished(before: time(1_000_000), awaitedBy: [], limit: 10)
    #expect(try store.measurements(of: keys).isEmpty)
    #expect(try awaiting(70).isEmpty)
  }

  package func checkValues() throws {
    let store = try makeStore()
    defer { store.close() }
    #expect(try store.values().isEmpty)
    #expect(try store.position() == nil)
    var changes = ProjectionChanges()
    changes.values = ["counters": Array(0...255), "empty": [], "ü": [1]]
    changes.position = LogCoverage(LogPosition(rawValue: 7))
    try store.write(changes)
    changes.values = ["counters": [9]]
    changes.position = nil
    try store.write(changes)
    #expect(try store.values() == ["counters": [9], "empty": [], "ü": [1]])
    #expect(try store.position() == LogCoverage(LogPosition(rawValue: 7)))
    changes.position = LogCoverage(LogPosition(rawValue: .max))
    try store.write(changes)
    #expect(try store.position() == LogCoverage(LogPosition(rawValue: .max)))
  }

  package func checkFingerprints() throws {
    let store = try makeStore()
    defer { store.close() }
    func fingerprint(_ number: UInt64) -> DeliveryFingerprint {
      DeliveryFingerprint(high: number &* 0x9e37_79b9_7f4a_7c15, low: ~number, received: StoreSamples.time(Int64(number)))
    }
    for start: UInt64 in [0, 50] {
      var changes = ProjectionChanges()
      changes.fingerprints = (start..<start + 50).map(fingerprint)
      try store.write(changes)
    }
    #expect(try Set(store.fingerprints(since: .epoch)) == Set((0..<100).map(fingerprint)))
    let since = try store.fingerprints(since: StoreSamples.time(70))
    #expect(Set(since) == Set((70..<100).map(fingerprint)))
    #expect(since.allSatisfy { $0.received >= StoreSamples.time(70) })
    #expect(try store.fingerprints(since: StoreSamples.time(100)).isEmpty)
  }

  /// Names are equal if their bytes are, and not if they only look the same.
  package func checkNamesByBytes() throws {
    let store = try makeStore()
    defer { store.close() }
    // U+212A is another way to write K, U+037E one to write a semicolon.
    let projects = ["acme/K", "acme/\u{212A}", "acme/;", "acme/\u{37E}", "acme/caf\u{E9}", "acme/cafe\u{301}"]
    var subjects: [Subject] = []
    for (number, project) in projects.enumerated() {
      var subject = Subject(key: StoreSamples.issueKey(number))
      var event = Event(key: subject.key, time: .vendor(StoreSamples.time(Int64(number))), attempt: .counted)
      event.operation = .issue
      event.project = project
      event.state = .running
      event.marks = [.begin(.vendor(StoreSamples.time(Int64(number))))]
      _ = subject.add(event)
      subjects.append(subject)
    }
    try store.write(StoreSamples.changes(Array(subjects.prefix(3))))
    try store.write(StoreSamples.changes(Array(subjects.dropFirst(3))))
    for (number, project) in projects.enumerated() {
      var filter = SubjectFilter()
      filter.project = project
      let found = try store.subjects(matching: filter, after: nil, limit: 10).subjects.map(\.key)
      #expect(found == [StoreSamples.issueKey(number)], "\(Array(project.utf8))")
    }
    let open = try store.openSubjects().map { Array(($0.project ?? "").utf8) }
    #expect(Set(open) == Set(projects.map { Array($0.utf8) }))
  }

  package func checkSubjectPages() throws {
    let store = try makeStore()
    defer { store.close() }
    #expect(try store.subjects(after: nil, limit: 10).subjects.isEmpty)
    var withoutSpan = Subject(key: SubjectKey(source: "github", host: "github.com", container: "", kind: "repository", id: "1"))
    _ = withoutSpan.add(Event(key: withoutSpan.key, time: .receipt(StoreSamples.time(1))))
    let subjects = (0..<7).map { StoreSamples.issue($0) } + [withoutSpan]
    for subject in subjects { try store.write(StoreSamples.changes([subject])) }
    var found: [SubjectKey] = []
    var cursor: UInt64?
    repeat {
      let page = try store.subjects(after: cursor, limit: 3)
      found += page.subjects.map(\.key)
      cursor = page.next
    } while cursor != nil
    #expect(found == subjects.map(\.key), "all of them, oldest first")
    #expect(try store.subjects(after: nil, limit: 8).next == nil)
    #expect(try store.subjects(after: nil, limit: 0).subjects.isEmpty)
  }

  package func checkOpenSubjects() throws {
    let store = try makeStore()
    defer { store.close() }
    #expect(try store.openSubjects().isEmpty)
    let withoutSpan = Subject(key: SubjectKey(source: "github", host: "github.com", container: "", kind: "repository", id: "1"))
    let open = [(10, 1), (20, 1), (60, 1), (5, 2)].map { StoreSamples.issue($0, repository: $1) }
    let over = [1, 2].map { StoreSamples.issue($0, repository: $0, isOpen: false) }
    try store.write(StoreSamples.changes(open + over + [withoutSpan]))
    func subjects(_ repository: Int, _ count: Int, mean: Int64, first: Int64) -> OpenSubjects {
      OpenSubjects(
        operation: .issue, source: "github", project: "acme/site\(repository)", count: count, meanStart: StoreSamples.time(mean),
        firstStart: StoreSamples.time(first))
    }
    // The mean start, computed from times since 1970, is exact only to the microsecond.
    let found = try store.openSubjects().map { group in
      var group = group
      group.meanStart = Timestamp(seconds: group.meanStart.advanced(byNanoseconds: 500_000).seconds)
      return group
    }
    #expect(Set(found) == [subjects(1, 3, mean: 30, first: 10), subjects(2, 1, mean: 5, first: 5)])
    try store.write(StoreSamples.changes([StoreSamples.issue(5, repository: 2, isOpen: false)]))
    #expect(try store.openSubjects().map(\.project) == ["acme/site1"])
  }

  /// Scripts can send any time, even the earliest or the latest possible.
  package func checkOpenSubjectsAtTheEndsOfTime() throws {
    let store = try makeStore()
    defer { store.close() }
    var changes = StoreSamples.changes([(1, 1), (2, 1), (3, 2), (4, 2)].map { StoreSamples.issue($0, repository: $1) })
    for index in changes.subjects.indices {
      changes.subjects[index].summary.start = Timestamp(nanoseconds: index < 2 ? .max : .min)
    }
    try store.write(changes)
    let means = Dictionary(uniqueKeysWithValues: try store.openSubjects().map { ($0.project, $0.meanStart.nanoseconds) })
    #expect(means == ["acme/site1": Timestamp.latest.nanoseconds, "acme/site2": 0])
  }

  package func checkBranchUpdates() throws {
    let store = try makeStore()
    defer { store.close() }
    let branches = ["main", "release/1"].map {
      SubjectKey(source: "github", host: "github.com", container: "1", kind: "branch", id: $0)
    }
    func update(_ number: Int, of branch: Int) -> BranchUpdate {
      BranchUpdate(
        branch: branches[branch], kind: number == 1 ? .created : number == 9 ? .deleted : .moved,
        time: EventTime(StoreSamples.time(Int64(number)), isVendor: number % 2 == 0),
        before: number == 1 ? nil : "c\(number - 1)", after: number == 9 ? nil : "c\(number)",
        commits: number % 3 == 0
          ? []
          : [
            BranchCommit("x\(number)"),
            BranchCommit("c\(number)", time: StoreSamples.time(Int64(number)), services: number % 2 == 0 ? ["till"] : nil),
          ],
        isForced: number % 4 == 0, isDefaultBranch: branch == 0)
    }
    for numbers in [[5, 3, 9], [1, 7, 3], [2, 8, 4, 6, 5]] {
      var changes = ProjectionChanges()
      changes.branchUpdates = numbers.map { update($0, of: 0) } + [update(1, of: 1)]
      try store.write(changes)
    }
    #expect(try store.branchUpdates(of: branches[0], limit: 100, bytes: .max) == (1...9).map { update($0, of: 0) })
    #expect(
      try store.branchUpdates(of: branches[0], limit: 4, bytes: .max) == (6...9).map { update($0, of: 0) },
      "the newest, oldest first")
    #expect(try store.branchUpdates(of: branches[1], limit: 100, bytes: .max) == [update(1, of: 1)])
    #expect(try store.branchUpdates(of: StoreSamples.issueKey(1), limit: 100, bytes: .max).isEmpty)
    #expect(try store.branchUpdates(to: "c5", limit: 100, bytes: .max) == [update(5, of: 0)])
    #expect(try store.branchUpdates(to: "c1", limit: 100, bytes: .max) == [update(1, of: 0), update(1, of: 1)])
    #expect(try store.branchUpdates(to: "c1", limit: 1, bytes: .max) == [update(1, of: 0)])
    #expect(try store.branchUpdates(to: "c1", limit: 100, bytes: 1) == [update(1, of: 0)], "at least one")
    #expect(try store.branchUpdates(of: branches[0], limit: 100, bytes: 1) == [update(9, of: 0)], "at least one, the newest")
    let few = try store.branchUpdates(of: branches[0], limit: 100, bytes: 60)
    #expect(few.count < 9 && few == (1...9).suffix(few.count).map { update($0, of: 0) })
    #expect(try store.branchUpdates(to: "x5", limit: 100, bytes: .max).isEmpty, "only the last commit of a push")
    _ = try store.removeFinished(before: StoreSamples.time(5), awaitedBy: [], limit: 100)
    #expect(try store.branchUpdates(of: branches[0], limit: 100, bytes: .max) == (5...9).map { update($0, of: 0) })
    #expect(try store.branchUpdates(to: "c4", limit: 100, bytes: .max).isEmpty)
    #expect(try store.branchUpdates(to: "c5", limit: 100, bytes: .max) == [update(5, of: 0)])
  }

  // MARK: Retention

  package func checkRemoval() throws {
    let store = try makeStore()
    defer { store.close() }
    var changes = StoreSamples.changes((0..<20).map { StoreSamples.issue($0, isOpen: $0 % 4 == 0) })
    changes.outboxEntries = (0..<20).filter { $0 % 4 != 0 }.map {
      OutboxEntry(key: StoreSamples.issueKey($0), attempt: 1, time: StoreSamples.time(0))
    }
    try store.write(changes)
    let announced = try store.outboxEntries(after: 0, limit: 100)
    #expect(try store.removeFinished(before: StoreSamples.time(-1000), awaitedBy: ["otlp", "logging"], limit: 100) == 0)

    // Issue n ends at second n + 60. The exporter `otlp` has passed the outbox entry of issue 5.
    let passed = try #require(announced.first { $0.outboxEntry.key == StoreSamples.issueKey(5) }).sequence
    try store.setExportProgress(ExportProgress(sequence: passed), for: "otlp")
    try store.setExportProgress(ExportProgress(sequence: .max), for: "logging")
    let cutoff = StoreSamples.time(70)
    #expect(try Self.removeAll(from: store, before: cutoff) == Set([1, 2, 3, 5]), "what was not exported stays")
    try store.setExportProgress(ExportProgress(sequence: announced.last?.sequence ?? 0), for: "otlp")
    #expect(try Self.removeAll(from: store, before: cutoff) == Set([6, 7, 9]), "ended before, and over")

    let gone = StoreSamples.aliases(7) + [.key(StoreSamples.issueKey(7))]
    #expect(try store.publishers(of: gone).values.allSatisfy(\.isEmpty))
    let new = try store.removeFinished(before: cutoff, awaitedBy: ["new", "otlp"], limit: 100)
    #expect(new == 0, "an exporter that has not begun waits for everything")
    #expect(try store.followers(of: [Reference(.issue, "TP-7")])[Reference(.issue, "TP-7")] ?? [] == [])
    #expect(try store.publishers(of: StoreSamples.aliases(8)).values.allSatisfy { $0 == [StoreSamples.issueKey(8)] })
    let left = try store.outboxEntries(after: 0, limit: 100)
    let carried = announced.filter { !Self.removedNumbers.contains($0.outboxEntry.key.encodedID) }
    #expect(left.map(\.sequence) == carried.map(\.sequence))

    var more = StoreSamples.changes([StoreSamples.issue(7)])
    more.outboxEntries = [OutboxEntry(key: StoreSamples.issueKey(7), attempt: 1, time: StoreSamples.time(1))]
    try store.write(more)
    #expect(try store.subjects(matching: SubjectFilter(), after: nil, limit: 1).subjects.map(\.key) == [StoreSamples.issueKey(7)])
    #expect(try store.outboxEntries(after: announced.last?.sequence ?? 0, limit: 9).count == 1, "places are not given twice")
  }

  /// An imported subject ended long ago by the vendor's clock but entered the outbox just now.
  ///
  /// It must be kept as long as any other.
  package func checkRemovalOfImportedHistory() throws {
    let store = try makeStore()
    defer { store.close() }
    var changes = StoreSamples.changes([StoreSamples.issue(1, isOpen: false)])
    changes.outboxEntries = [OutboxEntry(key: StoreSamples.issueKey(1), attempt: 1, time: StoreSamples.time(1_000_000))]
    try store.write(changes)
    #expect(try store.removeFinished(before: StoreSamples.time(500_000), awaitedBy: [], limit: 10) == 0)
    #expect(try store.removeFinished(before: StoreSamples.time(2_000_000), awaitedBy: [], limit: 10) == 1)
  }

  /// A subject that never had a span must not be kept longer than one with spans.
  package func checkRemovalOfSubjectsWithoutSpans() throws {
    let store = try makeStore()
    defer { store.close() }
    var event = Event(key: StoreSamples.issueKey(1), time: .vendor(StoreSamples.time(5)), attempt: .counted)
    event.publishes = StoreSamples.aliases(1)
    var subject = Subject(key: event.key)
    _ = subject.add(event)
    var timeless = Subject(key: StoreSamples.issueKey(3))
    _ = timeless.add(Event(key: timeless.key, time: .receipt(.epoch)))
    try store.write(StoreSamples.changes([subject, StoreSamples.issue(2), timeless]))
    #expect(try store.removeFinished(before: StoreSamples.time(5), awaitedBy: [], limit: 10) == 0)
    #expect(try store.removeFinished(before: StoreSamples.time(6), awaitedBy: [], limit: 10) == 1)
    let kept = try store.subjects([1, 2, 3].map { StoreSamples.issueKey($0) }).keys.sorted()
    #expect(kept == [StoreSamples.issueKey(2), StoreSamples.issueKey(3)])
    #expect(try store.publishers(of: StoreSamples.aliases(1)).values.allSatisfy(\.isEmpty))
  }

  private static let removedNumbers: Set<Substring> = ["1", "2", "3", "5", "6", "7", "9"]

  /// Removes subjects in small steps and returns the numbers of the removed issues.
  private static func removeAll(from store: any SpanStore, before cutoff: Timestamp) throws -> Set<Int> {
    let keys = (0..<20).map { StoreSamples.issueKey($0) }
    let before = try store.subjects(keys)
    var count = 0
    while case let step = try store.removeFinished(before: cutoff, awaitedBy: ["otlp", "logging"], limit: 2), step > 0 {
      #expect(step <= 2)
      count += step
    }
    let after = try store.subjects(keys)
    let removed = Set(keys.indices.filter { before[keys[$0]] != nil && after[keys[$0]] == nil })
    #expect(removed.count == count)
    return removed
  }

  // MARK: Concurrency

  /// Readers must see each write as a whole: the position together with its subjects.
  package func checkReadersBesideWriter() async throws {
    let store = try makeStore()
    defer { store.close() }
    let total = 200
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for number in 1...total {
          var changes = StoreSamples.changes([StoreSamples.issue(number)])
          changes.position = LogCoverage(LogPosition(rawValue: UInt64(number)))
          try store.write(changes)
          try store.setExportProgress(ExportProgress(sequence: UInt64(number)), for: "otlp")
        }
      }
      for _ in 1...3 {
        group.addTask {
          var seen: UInt64 = 0
          while seen < total {
            let position = try store.position()?.ends.last?.rawValue ?? 0
            #expect(position >= seen)
            seen = position
            let key = StoreSamples.issueKey(Int(position))
            #expect(try position == 0 || store.subjects([key])[key] != nil)
            #expect(try position == 0 || store.publishers(of: [.key(key)])[.key(key)] == [key])
            let newest = try store.subjects(matching: SubjectFilter(), after: nil, limit: 1).subjects.first
            #expect(newest.flatMap { UInt64($0.key.encodedID) } ?? 0 >= position)
            await Task.yield()
          }
        }
      }
      try await group.waitForAll()
    }
  }

  // MARK: Persistence

  package func checkReopening() throws {
    let reopen = try #require(reopen)
    var store = try makeStore()
    defer { store.close() }
    var changes = StoreSamples.changes([StoreSamples.richSubject(), StoreSamples.issue(1, isOpen: false)])
    changes.outboxEntries = [OutboxEntry(key: StoreSamples.issueKey(1), attempt: 1, time: StoreSamples.time(0))]
    changes.values = ["counters": [1, 2]]
    changes.fingerprints = [DeliveryFingerprint(high: 1, low: 2, received: StoreSamples.time(0))]
    changes.position = LogCoverage(LogPosition(rawValue: 12))
    try store.write(changes)
    try store.setExportProgress(ExportProgress(sequence: 1, sent: 1), for: "otlp")
    let record = ExportRecord(key: StoreSamples.issueKey(2), traceID: TraceID(high: 1, low: 2))
    try store.addExportRecords([record])
    store = try reopen(store)
    #expect(try store.subjects([StoreSamples.richSubject().key]).values.first == StoreSamples.richSubject())
    #expect(try store.publishers(of: StoreSamples.aliases(1)).values.allSatisfy { $0 == [StoreSamples.issueKey(1)] })
    #expect(try store.outboxEntries(after: 0, limit: 9).map(\.outboxEntry) == changes.outboxEntries)
    #expect(try store.values() == changes.values)
    #expect(try store.fingerprints(since: .epoch) == changes.fingerprints)
    #expect(try store.position() == changes.position)
    #expect(try store.exportProgress() == ["otlp": ExportProgress(sequence: 1, sent: 1)])
    #expect(try store.exportRecords(of: [record.key]) == [record.key: record])
    #expect(try store.removeFinished(before: StoreSamples.time(1000), awaitedBy: [], limit: 10) > 0)
    store = try reopen(store)
    try store.write(changes)
    #expect(try store.outboxEntries(after: 0, limit: 9).allSatisfy { $0.sequence > 1 }, "places are not given twice")
  }
}
