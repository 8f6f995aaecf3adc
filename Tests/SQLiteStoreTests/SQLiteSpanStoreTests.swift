import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import SQLiteStore

@Suite("The span store in SQLite")
struct SQLiteSpanStoreTests {
  private let directory: TemporaryDirectory
  private let contract: SpanStoreContract

  init() throws {
    let directory = try TemporaryDirectory()
    self.directory = directory
    contract = SpanStoreContract(
      makeStore: { try SQLiteSpanStore(directory: directory.file("store")) },
      reopen: { store in
        store.close()
        return try SQLiteSpanStore(directory: directory.file("store"))
      })
  }

  @Test("gives back what was written, and the newest of it")
  func subjects() throws { try contract.checkSubjects() }

  @Test("finds who publishes and who follows a reference")
  func references() throws { try contract.checkReferences() }

  @Test("lists in pages that stay right while things come and change")
  func pages() throws { try contract.checkPages() }

  @Test("lists what a filter matches")
  func filters() throws { try contract.checkFilters() }

  @Test("Lists in the order of times")
  func orders() throws { try contract.checkOrders() }

  @Test("keeps announcements in order, and how far exporters came")
  func outboxEntries() throws { try contract.checkOutbox() }

  @Test("keeps the newest of what receivers refused")
  func rejections() throws { try contract.checkRejections() }

  @Test("The export ledger only grows")
  func exportRecords() throws { try contract.checkExportRecords() }

  @Test("What was announced and exported under a name becomes that of the thing")
  func absorption() throws { try contract.checkAbsorption() }

  @Test("says where things stand in lists")
  func places() throws { try contract.checkPlaces() }

  @Test("finds traces by id")
  func traceKeys() throws { try contract.checkTraces() }

  @Test("knows the kinds of work it has seen")
  func kinds() throws { try contract.checkKinds() }

  @Test("keeps named values and the position")
  func values() throws { try contract.checkValues() }

  @Test("What was counted of subjects is kept, and what awaits it is found, those that have waited longest first")
  func measurements() throws { try contract.checkMeasurements() }

  @Test("remembers fingerprints by time of receipt")
  func fingerprints() throws { try contract.checkFingerprints() }

  @Test("names are equal by their bytes")
  func namesByBytes() throws { try contract.checkNamesByBytes() }

  @Test("all subjects, page by page")
  func subjectPages() throws { try contract.checkSubjectPages() }

  @Test("tells what is going on, and since when")
  func openSubjects() throws { try contract.checkOpenSubjects() }

  @Test("tells what goes on since either end of time")
  func openSubjectsAtTheEndsOfTime() throws { try contract.checkOpenSubjectsAtTheEndsOfTime() }

  @Test("keeps updates of a branch once and in order")
  func branchUpdates() throws { try contract.checkBranchUpdates() }

  @Test("removes what is over and exported, with all that named it")
  func removal() throws { try contract.checkRemoval() }

  @Test("An imported history is kept as long as any other")
  func removalOfImportedHistory() throws { try contract.checkRemovalOfImportedHistory() }

  @Test("Things without spans go as well")
  func removalOfSubjectsWithoutSpans() throws { try contract.checkRemovalOfSubjectsWithoutSpans() }

  @Test("is read while it is written")
  func concurrency() async throws { try await contract.checkReadersBesideWriter() }

  @Test("goes on after it was closed")
  func reopening() throws { try contract.checkReopening() }

  private func open(_ options: SQLiteSpanStore.Options = SQLiteSpanStore.Options()) throws -> SQLiteSpanStore {
    try SQLiteSpanStore(directory: directory.file("store"), options: options)
  }

  @Test("leaves no row behind of what it removed")
  func leftovers() throws {
    let store = try open()
    var changes = StoreSamples.changes((0..<50).map { StoreSamples.issue($0, isOpen: false) })
    changes.outboxEntries = (0..<50).flatMap { number in
      (1...3).map { OutboxEntry(key: StoreSamples.issueKey(number), attempt: $0, time: .epoch) }
    }
    // Add enough subjects that the store indexes their traces.
    changes.subjects += (0..<Int(TraceBlocks.size)).map {
      StoreSamples.change(Subject(key: StoreSamples.issueKey($0, repository: 2)))
    }
    try store.write(changes)
    #expect(try store.removeFinished(before: StoreSamples.time(10_000), awaitedBy: [], limit: 100) == 50)
    store.close()
    let connection = try SQLiteConnection(path: directory.file("store/spans.sqlite"))
    for table in ["alias", "follow", "announcement"] {
      #expect(try connection.number("SELECT count(*) FROM \(table)") == 0, "\(table)")
    }
    for table in ["subject", "subject_data"] {
      #expect(try connection.number("SELECT count(*) FROM \(table)") == TraceBlocks.size, "\(table)")
    }
    // The first block lacks the unused sequence 0 and the removed subjects.
    #expect(try connection.number("SELECT count(*) FROM own_trace") == TraceBlocks.size - 51)
  }

  @Test("tells names apart by their bytes, before and after it was closed")
  func equivalentNames() throws {
    let names = ["caf\u{e9}", "cafe\u{301}"].map { Reference(.customID, "\($0)/7") }
    var store = try open()
    for (number, name) in names.enumerated() {
      var change = StoreSamples.change(Subject(key: StoreSamples.issueKey(number)))
      change.newAliases = [name]
      var changes = ProjectionChanges()
      changes.subjects = [change]
      try store.write(changes)
    }
    for _ in 0..<2 {
      for (number, name) in names.enumerated() {
        #expect(try store.publishers(of: [name]).values.first == [StoreSamples.issueKey(number)])
      }
      store.close()
      store = try open()
    }
    store.close()
  }

  @Test(
    "reads lists in their order through the index that leaves least",
    arguments: [
      ("subject", false, false, false), ("subject_operation", true, false, false), ("subject_open", true, false, true),
      ("subject_open", false, false, true), ("subject_project", true, true, true), ("subject_project", false, true, false),
    ])
  func listPlans(index: String, operation: Bool, project: Bool, open isOpen: Bool) throws {
    try open().close()
    var filter = SubjectFilter()
    if operation { filter.operation = .issue }
    if project { filter.project = "acme/site1" }
    if isOpen { filter.isOpen = true }
    filter.outcome = .failure
    filter.source = "github"
    filter.endedAfter = StoreSamples.time(0)
    filter.startedBefore = StoreSamples.time(1)
    let connection = try SQLiteConnection(path: directory.file("store/spans.sqlite"))
    let condition = try #require(try ListCondition(filter) { _ in 1 })
    let statement = try connection.prepare("EXPLAIN QUERY PLAN \(condition.listSQL)")
    var plan: [String] = []
    while try statement.step() { plan.append(statement.text(3)) }
    #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
    let uses = plan.first?.firstMatch(of: /INDEX (subject_\w+)/)?.output.1 ?? "subject"
    #expect(uses == index, "\(plan)")
  }

  @Test("reads ordered lists through the index of their order", arguments: SubjectOrder.allCases)
  func orderPlans(order: SubjectOrder) throws {
    try open().close()
    let connection = try SQLiteConnection(path: directory.file("store/spans.sqlite"))
    let statement = try connection.prepare("EXPLAIN QUERY PLAN \(OrderedList.sql(order))")
    var plan: [String] = []
    while try statement.step() { plan.append(statement.text(3)) }
    guard order != .age else { return #expect(plan.first?.contains("subject_open") == true, "\(plan)") }
    #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
    let rank = order == .duration ? "<expr>" : order.rawValue
    #expect(plan.first?.contains("INDEX subject_\(order) (operation=? AND \(rank)>? AND \(rank)<?)") == true, "\(plan)")
  }

  @Test("A page of an ordered list ends after a number of rows if hardly any match")
  func orderedWork() throws {
    let store = try open()
    defer { store.close() }
    var changes = ProjectionChanges()
    for number in 0...(2 * OrderedList.rowLimit) {
      var change = StoreSamples.change(Subject(key: StoreSamples.issueKey(number)))
      change.summary = SubjectSummary(
        operation: .issue, source: number == 0 ? "gitlab" : "github", project: nil, outcome: nil,
        start: StoreSamples.time(Int64(number)), end: nil)
      changes.subjects.append(change)
    }
    try store.write(changes)
    var filter = SubjectFilter()
    filter.source = "gitlab"
    var counts: [Int] = []
    var cursor: SubjectPlace?
    repeat {
      let page = try store.subjects(matching: filter, in: .start, after: cursor, limit: 5)
      counts.append(page.subjects.count)
      cursor = page.next
    } while cursor != nil
    #expect(counts == [0, 0, 1])
  }

  @Test("forgets fingerprints after eight days")
  func fingerprintRetention() throws {
    let store = try open()
    defer { store.close() }
    for day: Int64 in 0..<12 {
      var changes = ProjectionChanges()
      changes.fingerprints = [
        DeliveryFingerprint(high: UInt64(day), low: 0, received: StoreSamples.time(day * 86_400))
      ]
      try store.write(changes)
    }
    #expect(try Set(store.fingerprints(since: .epoch).map(\.high)) == Set(3..<12))
  }

  @Test("has one owner at a time, and files that only the owner reads")
  func ownership() throws {
    let store = try open()
    let rejection = #expect(throws: StoreError.self) { try open() }
    #expect(rejection?.code == .busy)
    for name in try directory.files() { #expect(try directory.mode(of: "store/\(name)") == 0o600, "\(name)") }
    // Another projection and the log can share the directory.
    var options = SQLiteSpanStore.Options()
    options.fileName = "replay.sqlite"
    let second = try open(options)
    let log = try SQLiteDeliveryLog(directory: directory.file("store"))
    log.close()
    second.close()
    store.close()
    try open().close()
    let closed = #expect(throws: StoreError.self) { try store.write(ProjectionChanges()) }
    #expect(closed?.code == .unusable)
  }

  // MARK: Failures

  @Test("says that the disk is full, keeps nothing of that write, and goes on when there is room")
  func noSpace() throws {
    let recorder = try SyncRecorder()
    var options = SQLiteSpanStore.Options()
    options.vfs = recorder.name
    options.checkpointPages = 40
    let store = try open(options)
    defer { store.close() }
    var written = 0
    var failures = 0
    func write(_ count: Int) throws {
      // New repositories make the failing write intern new names.
      var changes = StoreSamples.changes((written..<written + count).map { StoreSamples.issue($0, repository: $0) })
      changes.position = LogCoverage(LogPosition(rawValue: UInt64(written + count)))
      changes.outboxEntries = [OutboxEntry(key: StoreSamples.issueKey(written, repository: written), attempt: 1, time: .epoch)]
      try store.write(changes)
      written += count
    }
    try write(10)
    for room in [Int64(0), 10_000, 100_000, 0, 300_000] {
      recorder.setRoom(room)
      for _ in 0..<10 {
        do {
          try write(20)
        } catch let error as StoreError {
          #expect(error.code == .noSpace)
          failures += 1
        }
      }
      recorder.setRoom(nil)
      try write(20)
      #expect(try store.position()?.ends.last?.rawValue == UInt64(written))
      let keys = (0..<written + 20).map { StoreSamples.issueKey($0, repository: $0) }
      #expect(try store.subjects(keys).count == written)
      for number in 0..<written {
        let aliases = StoreSamples.aliases(number, repository: number)
        #expect(try store.publishers(of: aliases).values.allSatisfy { $0 == [keys[number]] })
      }
    }
    #expect(failures > 5)
    let sequences = try store.outboxEntries(after: 0, limit: 1000).map(\.sequence)
    #expect(sequences == (1...UInt64(sequences.count)).map { $0 })
  }

  @Test("goes on after a write or a sync failed", arguments: [SyncRecorder.Operation.write, .sync])
  func inputOutput(operation: SyncRecorder.Operation) throws {
    let recorder = try SyncRecorder()
    var options = SQLiteSpanStore.Options()
    options.vfs = recorder.name
    options.checkpointPages = 5
    let store = try open(options)
    defer { store.close() }
    var written = 0
    for round in 0..<30 {
      if round % 3 == 2 { recorder.failNext(operation, onFilesEnding: round % 2 == 0 ? "-wal" : ".sqlite") }
      do {
        try store.write(StoreSamples.changes((written..<written + 10).map { StoreSamples.issue($0) }))
        written += 10
      } catch {
        #expect(error.code == .inputOutput)
      }
      #expect(try store.subjects((0..<400).map { StoreSamples.issueKey($0) }).count == written)
    }
    #expect(written >= 200)
  }

  @Test("has synced what it answers as its position, because the log before it may be removed")
  func durablePosition() throws {
    let recorder = try SyncRecorder()
    var options = SQLiteSpanStore.Options()
    options.vfs = recorder.name
    let store = try open(options)
    defer { store.close() }
    for number in 1...5 {
      var changes = StoreSamples.changes([StoreSamples.issue(number)])
      changes.position = LogCoverage(LogPosition(rawValue: UInt64(number)))
      try store.write(changes)
      #expect(recorder.last(onFilesEnding: "-wal") == .write)
      #expect(try store.position() == changes.position)
      #expect(recorder.last(onFilesEnding: "-wal") == .sync)
    }
  }

  @Test(
    "leaves out a subject that is damaged, says which, and gives every other",
    arguments: [
      "UPDATE subject_data SET data = x'01ff'", "UPDATE subject_data SET data = x'7f' || substr(data, 2)",
      "UPDATE subject_data SET data = substr(data, 1, length(data) - 1) || x'7f'",
      "UPDATE subject_data SET checksum = checksum + 1",
      "DELETE FROM subject_data",
    ])
  func damage(change: String) throws {
    let subjects = (1...3).map { StoreSamples.issue($0) }
    var store = try open()
    try store.write(StoreSamples.changes(subjects))
    store.close()
    do {
      let connection = try SQLiteConnection(path: directory.file("store/spans.sqlite"))
      try connection.execute("\(change) WHERE seq = 2")
    }
    var options = SQLiteSpanStore.Options()
    options.damage = DamageReport()
    store = try open(options)
    defer { store.close() }
    #expect(Set(try store.subjects(subjects.map(\.key)).keys) == [subjects[0].key, subjects[2].key])
    let page = try store.subjects(after: nil, limit: 10)
    #expect(page.subjects.map(\.key) == [subjects[0].key, subjects[2].key])
    #expect(page.damagedCount == 1)
    let list = try store.subjects(matching: SubjectFilter(), after: nil, limit: 2)
    #expect(list.subjects.count + list.damagedCount == 2)
    #expect(list.next != nil)
    #expect(options.damage.all.map(\.name) == [subjects[1].key.description], "told once, however often it is read")
    #expect(options.damage.contains(.subject, subjects[1].key.description))
    #expect(options.damage.counts == [.subject: 1])
  }

  @Test("leaves out names, announcements, updates, fingerprints and values that are damaged")
  func damageElsewhere() throws {
    let subjects = (1...3).map { StoreSamples.issue($0) }
    var store = try open()
    var changes = StoreSamples.changes(subjects)
    changes.outboxEntries = subjects.map { OutboxEntry(key: $0.key, attempt: 1, time: StoreSamples.time(1)) }
    changes.values = ["metric:a": [1, 2], "metric:b": [3]]
    let known = DeliveryFingerprint(high: 1, low: 2, received: StoreSamples.time(1))
    changes.fingerprints = [known]
    try store.write(changes)
    changes = ProjectionChanges()
    changes.fingerprints = [DeliveryFingerprint(high: 3, low: 4, received: StoreSamples.time(2))]
    try store.write(changes)
    store.close()
    do {
      let connection = try SQLiteConnection(path: directory.file("store/spans.sqlite"))
      try connection.execute(
        """
        UPDATE announcement SET space = 999 WHERE sequence = 1; UPDATE named_value SET bytes = x'0102ff' WHERE name = 'metric:a';
        UPDATE fingerprint SET data = zeroblob(24) WHERE batch = 2;
        """)
    }
    var options = SQLiteSpanStore.Options()
    options.damage = DamageReport()
    store = try open(options)
    defer { store.close() }
    #expect(try store.outboxEntries(after: 0, limit: 1).map(\.sequence) == [2], "as many as asked for, while there are more")
    #expect(try store.outboxEntries(after: 0, limit: 9).map(\.sequence) == [2, 3])
    #expect(try store.values() == ["metric:b": [3]])
    #expect(try store.fingerprints(since: .epoch) == [known])
    #expect(options.damage.counts == [.outbox: 1, .value: 1, .fingerprint: 1])
  }

  @Test("refuses what a newer version wrote, what is no store, and a file whose pages are damaged")
  func strangers() throws {
    let file = directory.file("store/spans.sqlite")
    var store = try open()
    try store.write(StoreSamples.changes((0..<2000).map { StoreSamples.issue($0) }))
    store.close()
    func rejection(_ change: String) throws -> StoreError? {
      do {
        let connection = try SQLiteConnection(path: file)
        try connection.execute(change)
      }
      return #expect(throws: StoreError.self) { try open() }
    }
    let newer = try rejection("PRAGMA user_version = \(StoreSchema.spanStore.version + 1)")
    #expect(newer?.code == .newerVersion)
    #expect(newer?.message.contains(file) == true)
    let foreign = try rejection("PRAGMA user_version = \(StoreSchema.spanStore.version); PRAGMA application_id = 5")
    #expect(foreign?.code == .unusable)
    #expect(try rejection("PRAGMA application_id = 0")?.code == .unusable)
    do {
      let connection = try SQLiteConnection(path: file)
      try connection.execute("PRAGMA application_id = \(StoreSchema.spanStore.applicationID)")
    }
    store = try open()
    store.close()

    let handle = try #require(FileHandle(forUpdatingAtPath: file))
    try handle.seek(toOffset: 4096)
    try handle.write(contentsOf: [UInt8](repeating: 0xee, count: 400_000))
    try handle.close()
    // The damage starts so early in the file that opening it may fail.
    var options = SQLiteSpanStore.Options()
    options.damage = DamageReport()
    do {
      let store = try open(options)
      defer { store.close() }
      let found = try store.subjects((0..<2000).map { StoreSamples.issueKey($0) })
      #expect(found.count + (options.damage.counts[.subject] ?? 0) == 2000)
      #expect(options.damage.all.allSatisfy { $0.reason.contains(file) })
    } catch let error as StoreError {
      #expect(error.code == .corrupt)
      #expect(error.message.contains(file))
    }
  }

  @Test("lists what stands before damaged pages, between them and behind them, and says that something is left out")
  func damagedPages() throws {
    let count = 2000
    var store = try open()
    try store.write(StoreSamples.changes((0..<count).map { StoreSamples.issue($0) }))
    store.close()
    let file = directory.file("store/spans.sqlite")
    // Find leaf pages of the table `subject_data` through SQLite's own metadata. The first and last leaves stay intact.
    let pages = try {
      let connection = try SQLiteConnection(path: file)
      let root = try connection.number("SELECT rootpage FROM sqlite_master WHERE name = 'subject_data'")
      return (root, try connection.number("PRAGMA page_size"))
    }()
    let handle = try #require(FileHandle(forUpdatingAtPath: file))
    try handle.seek(toOffset: UInt64((pages.0 - 1) * pages.1))
    let page = try #require(try handle.read(upToCount: Int(pages.1)))
    // An interior page has a header of 12 bytes and a 2-byte pointer for each cell. A cell starts with its child's number.
    try #require(page[0] == 5)
    let cells = Int(page[3]) << 8 | Int(page[4])
    try #require(cells > 10)
    for cell in [cells / 3, cells / 2] {
      let pointer = Int(page[12 + 2 * cell]) << 8 | Int(page[13 + 2 * cell])
      let child = page[pointer..<pointer + 4].reduce(0) { $0 << 8 | UInt64($1) }
      try handle.seek(toOffset: (child - 1) * UInt64(pages.1))
      try handle.write(contentsOf: [UInt8](repeating: 0xee, count: Int(pages.1)))
    }
    try handle.close()
    var options = SQLiteSpanStore.Options()
    options.damage = DamageReport()
    store = try open(options)
    defer { store.close() }
    for isNewestFirst in [true, false] {
      var found: Set<SubjectKey> = []
      var damagedCount = 0
      var cursor: UInt64?
      repeat {
        let page =
          try isNewestFirst
          ? store.subjects(matching: SubjectFilter(), after: cursor, limit: 150) : store.subjects(after: cursor, limit: 150)
        for subject in page.subjects { #expect(found.insert(subject.key).inserted) }
        damagedCount += page.damagedCount
        cursor = page.next
      } while cursor != nil
      // Two of a few dozen leaves are lost. Everything else is readable.
      #expect(damagedCount >= 2)
      #expect(found.count < count && found.count > count * 9 / 10, "\(found.count)")
      for number in [0, 1, count / 4, count - 2, count - 1] { #expect(found.contains(StoreSamples.issueKey(number))) }
    }
    #expect(options.damage.counts[.subject] ?? 0 > 0)
  }

  @Test("goes on with a store that version 0.1.0 wrote")
  func firstLayout() throws {
    let file = directory.file("store/spans.sqlite")
    try FileManager.default.createDirectory(atPath: directory.file("store"), withIntermediateDirectories: true)
    try Data().write(to: URL(fileURLWithPath: file))
    // One issue with a parent, as the older encoder wrote it.
    let data = """
      01080a69737375651661636d652f7369746523310854502d31286a697261636c6f75643a613a3a69737375653a39028788a2daa183c6b48701020002\
      020000028490bfb41a0206000202028490bfb41a00000000020a0002000400000002060a00040000000000
      """
    do {
      let connection = try SQLiteConnection(path: file)
      var schema = StoreSchema.spanStore
      schema.migrations = [schema.migrations[0]]
      try schema.prepare(connection)
      try connection.execute(
        """
        INSERT INTO export_progress VALUES ('otlp', 7, 6, 1);
        INSERT INTO name VALUES (1, 'github:github.com:1:issue:'), (2, 'issue'), (3, 'github');
        INSERT INTO subject VALUES (1, 1, 1, '', 2, 3, NULL, NULL, 0, NULL, NULL);
        INSERT INTO subject_data VALUES (1, x'\(data)');
        UPDATE progress SET next_subject = 2;
        """)
    }
    let store = try open()
    defer { store.close() }
    let subject = try #require(try store.subjects([StoreSamples.issueKey(1)]).values.first)
    #expect(subject.name == "acme/site#1")
    #expect(subject.follows == [FollowStatement(.issueKey, [Reference(.issue, "TP-1")])])
    #expect(subject.parent?.parent == SubjectKey("jiracloud:a::issue:9"))
    try store.write(StoreSamples.changes([subject, StoreSamples.issue(2)]))
    #expect(try store.exportProgress() == ["otlp": ExportProgress(sequence: 7, sent: 6, refused: 1)])
    let record = ExportRecord(key: subject.key, traceID: TraceID(high: 1, low: 2))
    try store.addExportRecords([record])
    #expect(try store.exportRecords(of: [subject.key]) == [subject.key: record])
    #expect(try store.subjects([subject.key])[subject.key] == subject)
    #expect(try store.keys(ofTrace: TraceID(root: subject.key), limit: 9) == [subject.key])
    #expect(try store.kinds() == [SubjectKind(subject.key, .issue)])
  }

  /// Removes the tables for facts, so that the file is as an earlier version wrote it.
  static let droppingFacts = """
    DROP TABLE fact_name; DROP TABLE fact_subject; DROP TABLE fact_page; DROP TABLE fact_row; DROP TABLE fact_delivery;
    DROP TABLE fact_change; DROP TABLE fact_value; DROP TABLE fact_progress; DROP TABLE fact_kept; DROP TABLE exclusion;
    DROP TABLE fact_page_rest; DROP TABLE run_tally; DROP TABLE rollup_change; DROP TABLE rollup_page; DROP TABLE rollup_state;
    """

  @Test("finds the traces of a store that the fourth version wrote")
  func secondLayout() throws {
    let count = Int(TraceBlocks.size) + 10
    let subjects = (0..<count).map { Subject(key: StoreSamples.issueKey($0)) }
    var store = try open()
    try store.write(StoreSamples.changes(subjects + [StoreSamples.issue(count)]))
    let record = ExportRecord(key: subjects[5].key, traceID: TraceID(high: 1, low: 2))
    try store.addExportRecords([record])
    store.close()
    do {
      let connection = try SQLiteConnection(path: directory.file("store/spans.sqlite"))
      try connection.execute(
        """
        DROP INDEX exported_trace_id; ALTER TABLE exported_trace DROP COLUMN block; DROP TABLE own_trace; DROP TABLE kind;
        ALTER TABLE progress DROP COLUMN next_block; ALTER TABLE progress DROP COLUMN next_record;
        DROP TABLE measurement; \(Self.droppingFacts)
        ALTER TABLE subject_data DROP COLUMN checksum; ALTER TABLE named_value DROP COLUMN checksum;
        ALTER TABLE fingerprint DROP COLUMN checksum; PRAGMA user_version = 4;
        """)
    }
    store = try open()
    defer { store.close() }
    for number in [0, 5, 4094, 4095, 4096, count - 1] {
      let key = StoreSamples.issueKey(number)
      #expect(try store.keys(ofTrace: TraceID(root: key), limit: 9) == [key])
    }
    #expect(try store.keys(ofTrace: record.traceID, limit: 9) == [record.key])
    #expect(try store.kinds() == [SubjectKind(StoreSamples.issueKey(1), .issue)])
  }

  @Test("asks each block of traces for one row, through its index")
  func tracePlans() throws {
    try open().close()
    let connection = try SQLiteConnection(path: directory.file("store/spans.sqlite"))
    for (query, index) in [
      (SpanStoreQuery.ownTraces, "PRIMARY KEY (block=? AND high=?)"),
      (.exportedTraces, "INDEX exported_trace_id (block=? AND high=?)"),
    ] {
      let statement = try connection.prepare("EXPLAIN QUERY PLAN \(query.sql)")
      var plan: [String] = []
      while try statement.step() { plan.append(statement.text(3)) }
      #expect(plan.contains { $0.contains(index) }, "\(plan)")
      #expect(!plan.contains { $0.hasPrefix("SCAN") && !$0.contains("block") && !$0.contains("CONSTANT") }, "\(plan)")
    }
  }

  @Test("Traces are read as from memory, whatever was exported between", arguments: Seeds.upTo(8), TraceStrategy.allCases)
  func traces(seed: UInt64, strategy: TraceStrategy) throws {
    let events = EventHistory(seed: seed).events
    let store = try open()
    let memory = MemorySpanStore()
    for half in [events.prefix(events.count / 2), events.suffix(events.count / 2)] {
      for store in [store, memory] as [any SpanStore] {
        var correlation = Correlation(store: store)
        for event in half { _ = try correlation.take(event) }
        try store.write(correlation.finish())
      }
      #expect(try TraceChecks.traces(in: store, strategy) == TraceChecks.traces(in: memory, strategy))
      let records = try TraceChecks.traces(in: memory, strategy).values.flatMap { $0 }
        .filter { $0.span.attempt == 1 && $0.span.isFinished }.map { ExportRecord(key: $0.span.key, traceID: $0.traceID) }
      for store in [store, memory] as [any SpanStore] { try store.addExportRecords(records) }
    }
    store.close()
  }

  @Test("Followers that are still to be looked at are looked at after the store was opened again", arguments: UInt64(1)...2)
  func pendingTies(seed: UInt64) throws {
    let events = PopularNames(seed: seed).events
    let memory = MemorySpanStore()
    var correlation = Correlation(store: memory)
    for event in events { _ = try correlation.take(event) }
    memory.write(correlation.finish())
    for followersPerStep in [1, 7] {
      var random = SeededRandom(seed: seed)
      let path = directory.file("pending \(followersPerStep)")
      var rest = events.shuffled(using: &random)[...]
      var reopenings = 0
      while true {
        let store = try SQLiteSpanStore(directory: path)
        var pending = PendingTies(encoded: try store.values()[PendingTies.valueName] ?? [])
        if !pending.isEmpty { reopenings += 1 }
        // A few steps, then the store is closed with whatever is left.
        for _ in 0..<Int.random(in: 1...8, using: &random) {
          correlation = Correlation(store: store, pending: pending)
          let batch = rest.prefix(random.oneIn(3) ? 10 : 0)
          for event in batch { _ = try correlation.take(event) }
          rest = rest.dropFirst(batch.count)
          try correlation.reexamineFollowers(atMost: followersPerStep)
          pending = correlation.pending
          var changes = correlation.finish()
          changes.values[PendingTies.valueName] = pending.encoded
          try store.write(changes)
        }
        if rest.isEmpty, pending.isEmpty {
          #expect(try PendingSteps.ties(in: store) == PendingSteps.ties(in: memory))
          #expect(try PendingSteps.spans(in: store) == PendingSteps.spans(in: memory))
          store.close()
          break
        }
        store.close()
      }
      #expect(reopenings > 0)
    }
  }

  @Test("brings an older layout up to date, once and as a whole")
  func migration() throws {
    let path = directory.file("older.sqlite")
    try Data().write(to: URL(fileURLWithPath: path))
    var schema = StoreSchema(applicationID: 77, name: "sample", migrations: ["CREATE TABLE a (x); INSERT INTO a VALUES (1)"])
    try schema.prepare(SQLiteConnection(path: path))
    try schema.prepare(SQLiteConnection(path: path))
    schema.migrations += ["ALTER TABLE a ADD COLUMN y DEFAULT 5", "INSERT INTO a VALUES (2, 6); SELECT broken FROM nowhere"]
    #expect(throws: StoreError.self) { try schema.prepare(SQLiteConnection(path: path)) }
    let connection = try SQLiteConnection(path: path)
    #expect(try connection.number("PRAGMA user_version") == 1, "a step that fails takes those before it back")
    schema.migrations[2] = "INSERT INTO a VALUES (2, 6)"
    try schema.prepare(connection)
    #expect(try connection.number("PRAGMA user_version") == 3)
    #expect(try connection.number("SELECT sum(x + y) FROM a") == 14)
    schema.migrations.removeLast()
    let newer = #expect(throws: StoreError.self) { try schema.prepare(SQLiteConnection(path: path)) }
    #expect(newer?.code == .newerVersion)
  }
}
