import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import SQLiteStore

@Suite("Facts in the store in SQLite")
struct SQLiteFactStoreTests {
  private let directory: TemporaryDirectory
  private let contract: FactStoreContract

  init() throws {
    let directory = try TemporaryDirectory()
    self.directory = directory
    contract = FactStoreContract(
      makeStore: { try SQLiteSpanStore(directory: directory.file("store")) },
      reopen: { store in
        store.close()
        return try SQLiteSpanStore(directory: directory.file("store"))
      })
  }

  @Test("The facts of a subject are replaced as a whole")
  func replacement() throws { try contract.checkReplacement() }

  @Test("Facts come in order of days, those without a day last")
  func days() throws { try contract.checkDays() }

  @Test("holds what was written, after any number of writes", arguments: [1, 2, 3] as [UInt64])
  func model(seed: UInt64) throws { try contract.checkAgainstModel(seed: seed) }

  @Test("keeps what operators leave out, also before it is known")
  func exclusions() throws { try contract.checkExclusions() }

  @Test("finds what is left out after its spans are gone, and under another key")
  func exclusionsOfOthers() throws { try contract.checkExclusionsOfOthers() }

  @Test("adds up what runs and jobs add to roll-ups, after any number of corrections", arguments: [1, 2] as [UInt64])
  func rollUps(seed: UInt64) throws { try contract.checkRollUps(seed: seed) }

  @Test("merges what thousands of runs and jobs add to roll-ups into pages")
  func manyRollUps() throws { try contract.checkRollUps(seed: 3, subjects: 9000, writes: 24, atOnce: 900) }

  @Test("keeps roll-ups of subjects that are gone, and removes them by blocks of days")
  func goneRollUps() throws { try contract.checkGoneRollUps() }

  @Test("knows the subjects that retention removed after their facts were written")
  func keptFacts() throws { try contract.checkKeptFacts() }

  @Test("finds the deliveries of a change")
  func deliveries() throws { try contract.checkDeliveries() }

  @Test("numbers texts")
  func names() throws { try contract.checkNames() }

  @Test("keeps what facts are about")
  func subjects() throws { try contract.checkSubjects() }

  @Test("keeps the values of the computation")
  func values() throws { try contract.checkValues() }

  @Test("hands out changed subjects until they are complete")
  func pending() throws { try contract.checkPending() }

  @Test("hands out branches with the time of the earliest update")
  func pendingBranches() throws { try contract.checkPendingBranches() }

  @Test("tells absorbed subjects from those that retention removed")
  func absorbed() throws { try contract.checkAbsorbed() }

  @Test("computes facts anew, and keeps those whose subjects are gone")
  func recomputation() throws { try contract.checkRecomputation() }

  // MARK: Pages

  private func open(_ options: SQLiteSpanStore.Options = SQLiteSpanStore.Options()) throws -> SQLiteSpanStore {
    try SQLiteSpanStore(directory: directory.file("store"), options: options)
  }

  private func withFile<Result>(_ body: (SQLiteConnection) throws -> Result) throws -> Result {
    try body(SQLiteConnection(path: directory.file("store/spans.sqlite")))
  }

  /// Writes changes 1 to `count`, all merged on one of `dayCount` days.
  private func write(_ count: Int, dayCount: Int, to store: SQLiteSpanStore) throws -> [ChangeFact] {
    let changes = (1...count).map { FactSamples.change(UInt64($0), mergedOn: $0 % dayCount) }
    for start in stride(from: 0, to: count, by: 100) {
      try store.write(FactSamples.changes(changes[start..<min(count, start + 100)].map { FactSamples.facts($0) }))
    }
    return changes
  }

  private func all(_ store: SQLiteSpanStore) throws -> [ChangeFact] {
    var changes: [ChangeFact] = []
    try store.visitFacts(ChangeFact.self, days: FactSamples.day(0)...FactSamples.day(9_000), includesOpen: true) {
      changes.append($0)
    }
    return changes
  }

  @Test("Many rows of a day end in few pages, and a correction does not write them all again")
  func pages() throws {
    let store = try open()
    defer { store.close() }
    var changes = try write(4000, dayCount: 1, to: store)
    let (pages, rows) = try withFile {
      (try $0.number("SELECT count(*) FROM fact_page"), try $0.number("SELECT count(*) FROM fact_row"))
    }
    let bytes = changes.reduce(0) { $0 + EncodedFact($1).bytes.count }
    #expect(pages >= bytes / FactPage.byteLimit && pages <= 2 * bytes / FactPage.byteLimit + 1)
    #expect(rows < SpanStoreWriter.factRowsOfPlace)
    // Corrections of neighbors, enough for a merge, change one page, and the last one, which gets the newest rows.
    try withFile { try $0.execute("CREATE TABLE former AS SELECT id, checksum FROM fact_page") }
    for index in 0..<300 { changes[index].reviewRounds = 99 }
    try store.write(FactSamples.changes(changes.prefix(300).map { FactSamples.facts($0) }))
    let same = try withFile { try $0.number("SELECT count(*) FROM fact_page JOIN former USING (id, checksum)") }
    #expect(pages > 4 && same >= pages - 2)
    #expect(try Set(all(store)) == Set(changes))
    #expect(try columns(store) == Set(changes.map { Columns($0) }))
  }

  /// Some of what reports read of a change.
  private struct Columns: Hashable {
    var (id, opened, rounds): (UInt64, Int64, UInt16)

    init(_ change: ChangeFact) {
      (id, opened, rounds) = (change.id.rawValue, change.times.opened?.nanoseconds ?? -1, change.reviewRounds)
    }

    init(_ change: ChangeColumns) {
      (id, opened, rounds) = (change.id.rawValue, change.opened, change.reviewRounds)
    }
  }

  private func columns(_ store: SQLiteSpanStore) throws -> Set<Columns> {
    var found: Set<Columns> = []
    try store.visitFactBytes(.change, days: FactSamples.day(0)...FactSamples.day(9_000), includesOpen: true) { bytes in
      let change = Columns(try ChangeColumns(bytes))
      #expect(found.insert(change).inserted)
    }
    return found
  }

  @Test("Reports read the newest rows, whether they are in a page or not")
  func columnsOfRows() throws {
    let store = try open()
    defer { store.close() }
    var changes = try write(3010, dayCount: 7, to: store)
    for index in stride(from: 0, to: changes.count, by: 50) { changes[index].reviewRounds = 77 }
    try store.write(
      FactSamples.changes(stride(from: 0, to: changes.count, by: 50).map { FactSamples.facts(changes[$0]) }))
    #expect(try withFile { try $0.number("SELECT count(*) FROM fact_page_rest") } > 0)
    #expect(try columns(store) == Set(changes.map { Columns($0) }))
    #expect(try Set(all(store)) == Set(changes))
  }

  @Test("Pages of an earlier version are read, and packed one by one as facts are written")
  func pagesOfEarlierVersion() throws {
    var store = try open()
    let changes = try write(3010, dayCount: 7, to: store)
    store.close()
    let count = try withFile { connection in
      let pages = try connection.prepare(
        "SELECT p.id, p.data, r.data FROM fact_page p JOIN fact_page_rest r USING (id) ORDER BY p.id")
      var count: Int64 = 0
      while try pages.step() {
        let (first, rest) = (pages.bytes(1), pages.bytes(2))
        let data = try first.withUnsafeBytes { first in
          try rest.withUnsafeBytes { try PackedFactPage(first, .change).unpacked($0) }
        }
        let update = try connection.prepare("UPDATE fact_page SET checksum = ?2, data = ?3 WHERE id = ?1")
        update.bind(1, pages.int(0))
        update.bind(2, Checksum.of(data))
        update.bind(3, data)
        try update.run()
        count += 1
      }
      try connection.execute("DROP TABLE fact_page_rest; PRAGMA user_version = \(StoreSchema.spanStore.version - 1)")
      return count
    }
    store = try open()
    defer { store.close() }
    #expect(count >= 7)
    #expect(try columns(store) == Set(changes.map { Columns($0) }))
    #expect(try Set(all(store)) == Set(changes))
    for written in 1...count {
      try store.write(FactChanges())
      #expect(try withFile { try $0.number("SELECT count(*) FROM fact_page_rest") } == written)
    }
    #expect(try columns(store) == Set(changes.map { Columns($0) }))
    #expect(try Set(all(store)) == Set(changes))
  }

  @Test("Rows on many days do not pile up")
  func manyDays() throws {
    let store = try open()
    defer { store.close() }
    let changes = try write(9000, dayCount: 1500, to: store)
    let rows = try withFile { try $0.number("SELECT count(*) FROM fact_row") }
    #expect(rows <= SpanStoreWriter.factRowsOfKind)
    #expect(try all(store).count == changes.count)
  }

  @Test("What is computed again without a difference is not written again")
  func unchanged() throws {
    let store = try open()
    defer { store.close() }
    let changes = try write(300, dayCount: 3, to: store)
    func size() throws -> Int64 { try withFile { try $0.number("SELECT count(*) FROM fact_row") } }
    let before = try size()
    for _ in 0..<3 { try store.write(FactSamples.changes(changes.map { FactSamples.facts($0) })) }
    #expect(try size() == before)
  }

  @Test("Facts of a write that fails are not there in part, and later writes work")
  func failedWrite() throws {
    let store = try open()
    defer { store.close() }
    let changes = try write(10, dayCount: 1, to: store)
    try withFile { try $0.execute("CREATE TRIGGER failing BEFORE INSERT ON fact_value BEGIN SELECT raise(ABORT, 'no'); END") }
    var failing = FactSamples.changes((11...800).map { FactSamples.facts(FactSamples.change($0, mergedOn: 0)) })
    failing.values = ["name": [1]]
    #expect(throws: StoreError.self) { try store.write(failing) }
    #expect(try Set(all(store)) == Set(changes))
    try withFile { try $0.execute("DROP TRIGGER failing") }
    try store.write(failing)
    #expect(try all(store).count == 800)
  }

  // MARK: Damage

  @Test(
    "leaves out damaged rows, says which, and gives every other",
    arguments: [
      "UPDATE fact_page SET data = zeroblob(length(data)) WHERE id = 1",
      "UPDATE fact_page SET data = substr(data, 1, 1000) WHERE id = 1",
      "UPDATE fact_page SET checksum = checksum + 1 WHERE id = 1",
      "UPDATE fact_page_rest SET data = zeroblob(length(data)) WHERE id = 1",
      "DELETE FROM fact_page_rest WHERE id = 1",
      "UPDATE fact_row SET data = x'ffffffff' WHERE day = (SELECT max(day) FROM fact_row)",
    ])
  func damage(change: String) throws {
    var store = try open()
    let changes = try write(3010, dayCount: 7, to: store)
    store.close()
    try withFile { try $0.execute(change) }
    var options = SQLiteSpanStore.Options()
    options.damage = DamageReport()
    store = try open(options)
    defer { store.close() }
    let found = try all(store)
    #expect(found.count < changes.count && found.count > 2000)
    #expect(Set(found).isSubset(of: changes))
    #expect(options.damage.counts == [.fact: 1])
    let lost = Set(changes).subtracting(found)
    #expect(try store.facts(ChangeFact.self, of: Set(lost.map(\.id))).isEmpty)
    // Computing them again repairs them: other facts differ, and so does what is stored of the damaged ones.
    var removal = FactChanges()
    removal.removed = lost.map(\.id)
    try store.write(removal)
    try store.write(FactSamples.changes(lost.map { FactSamples.facts($0) }))
    #expect(try Set(all(store)).isSuperset(of: lost))
  }

  @Test("passes over damaged work, subjects and values")
  func damageElsewhere() throws {
    var store = try open()
    for number in 1...3 { try store.write(StoreSamples.changes([StoreSamples.issue(number)])) }
    var changes = FactSamples.changes((1...3).map { FactSamples.facts(FactSamples.change($0, mergedOn: 1)) })
    changes.values = ["a": [1], "b": [2]]
    try store.write(changes)
    store.close()
    try withFile { connection in
      try connection.execute(
        """
        UPDATE fact_change SET data = x'05' WHERE batch = 2; UPDATE fact_subject SET data = x'0102' WHERE id = 2;
        UPDATE fact_value SET bytes = x'09' WHERE name = 'a';
        """)
    }
    var options = SQLiteSpanStore.Options()
    options.damage = DamageReport()
    store = try open(options)
    defer { store.close() }
    let pending = try store.pendingFacts(limit: 10)
    #expect(Set(pending.subjects.values) == [StoreSamples.issueKey(1), StoreSamples.issueKey(3)])
    var done = FactChanges()
    done.completed = pending.ticket
    try store.write(done)
    #expect(try store.pendingFacts(limit: 10).isEmpty)
    let found = try store.factSubjects(Set((1...3).map { FactID(rawValue: $0) }))
    #expect(found.keys.map(\.rawValue).sorted() == [1, 3])
    #expect(try store.factValues() == ["b": [2]])
    #expect(options.damage.counts == [.fact: 3])
    store.close()
    try withFile { try $0.execute("UPDATE fact_row SET checksum = 5") }
    options.damage = DamageReport()
    store = try open(options)
    try store.examine()
    // The value, the subject, and the rows; the work is done.
    #expect(options.damage.counts == [.fact: 3])
  }

  @Test("A subject whose record is damaged has its facts once after it is computed again")
  func damagedRecord() throws {
    let store = try open()
    defer { store.close() }
    _ = try write(600, dayCount: 2, to: store)
    try withFile { try $0.execute("UPDATE fact_subject SET data = x'0102' WHERE id = 5") }
    let moved = FactSamples.change(5, mergedOn: 8)
    try store.write(FactSamples.changes([FactSamples.facts(moved)]))
    let found = try all(store)
    #expect(found.filter { $0.id == moved.id } == [moved])
    #expect(found.count == 600)
  }

  // MARK: Other versions

  @Test("computes the facts of a store that an earlier version wrote, part by part, in any number of runs")
  func earlierVersion() throws {
    var store = try open()
    try store.write(StoreSamples.changes((1...10).map { StoreSamples.issue($0) } + [Subject(key: StoreSamples.issueKey(50))]))
    let branch = SubjectKey(source: "github", host: "github.com", container: "1", kind: "branch", id: "main")
    var updates = ProjectionChanges()
    updates.branchUpdates = [FactSamples.update(branch, 9), FactSamples.update(branch, 4)]
    try store.write(updates)
    store.close()
    try withFile {
      try $0.execute("\(SQLiteSpanStoreTests.droppingFacts) PRAGMA user_version = 7")
    }
    store = try open()
    #expect(try store.factProgress().remainingSubjects == 11)
    var keys: [SubjectKey] = []
    var branches: [SubjectKey: Timestamp] = [:]
    for _ in 0..<100 {
      store.close()
      store = try open()
      let pending = try store.pendingFacts(limit: 3)
      if pending.isEmpty { break }
      keys += pending.subjects.values
      branches.merge(pending.branches) { $1 }
      var done = FactChanges()
      done.completed = pending.ticket
      try store.write(done)
    }
    #expect(keys.count == 10)
    #expect(Set(keys) == Set((1...10).map { StoreSamples.issueKey($0) }))
    #expect(branches == [branch: StoreSamples.time(4)])
    #expect(try store.factProgress().remainingSubjects == 0)
    store.close()
  }

  @Test("computes all facts again when their format is another one")
  func otherFormat() throws {
    var store = try open()
    try store.write(StoreSamples.changes([StoreSamples.issue(1)]))
    var changes = FactSamples.changes([1, 2].map { FactSamples.facts(FactSamples.change($0, mergedOn: 1)) })
    changes.completed = try store.pendingFacts(limit: 10).ticket
    // The first of the two is about the stored subject.
    changes.facts[0].subject.key = StoreSamples.issueKey(1)
    try store.write(changes)
    store.close()
    try withFile { try $0.execute("UPDATE fact_progress SET version = \(FactFormat.version + 1)") }
    store = try open()
    defer { store.close() }
    #expect(try store.pendingFacts(limit: 10).subjects == [FactID(rawValue: 1): StoreSamples.issueKey(1)])
    #expect(try all(store).map(\.id.rawValue) == [2])
  }

  @Test("Facts are read while facts and spans are written")
  func concurrency() async throws {
    let store = try open()
    defer { store.close() }
    let changes = try write(500, dayCount: 5, to: store)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for round in 0..<60 {
          try store.write(StoreSamples.changes([StoreSamples.issue(round)]))
        }
      }
      group.addTask {
        for round in 1...60 {
          let moved = (1...100).map { FactSamples.facts(FactSamples.change($0, mergedOn: round)) }
          try store.write(FactSamples.changes(moved))
        }
      }
      for _ in 0..<2 {
        group.addTask {
          for _ in 0..<60 {
            // Each write moves facts to another day. A reader sees each fact once.
            let found = try all(store)
            #expect(found.count == changes.count)
            #expect(Set(found.map(\.id)).count == changes.count)
          }
        }
      }
      try await group.waitForAll()
    }
  }
}
