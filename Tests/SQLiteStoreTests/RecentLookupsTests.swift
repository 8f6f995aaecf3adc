import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import SQLiteStore

@Suite("Look-ups that need no query")
struct RecentLookupsTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("Subjects are as the file has them after any writes", arguments: [1, 2, 3] as [UInt64])
  func recentSubjects(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let store = try SQLiteSpanStore(directory: directory.file("store"))
    defer { store.close() }
    let names = (1...4).map { SubjectKey(source: "github", host: "", container: "=site", kind: "issue", id: "\($0)") }
    let keys = (1...12).map { StoreSamples.issueKey($0) }
    for _ in 0..<60 {
      switch Int.random(in: 0..<5, using: &random) {
      case 0:
        var changes = StoreSamples.changes(names.map { Subject(key: $0) }.filter { _ in Bool.random(using: &random) })
        changes.subjects.append(contentsOf: StoreSamples.changes([StoreSamples.issue(3, isOpen: true)]).subjects)
        try store.write(changes)
      case 1:
        let number = Int.random(in: 1...12, using: &random)
        var changes = StoreSamples.changes([StoreSamples.issue(number, isOpen: false)])
        changes.absorbed = [names[number % 4]: keys[number - 1]]
        try store.write(changes)
      case 2: _ = try store.removeFinished(before: StoreSamples.time(1000), awaitedBy: [], limit: 3)
      default:
        let numbers = (1...12).filter { _ in Bool.random(using: &random) }
        try store.write(StoreSamples.changes(numbers.map { StoreSamples.issue($0, isOpen: Bool.random(using: &random)) }))
      }
      let reading = try SQLiteSpanStore(reading: directory.file("store"))
      defer { reading.close() }
      #expect(try store.subjects(names + keys) == reading.subjects(names + keys))
    }
  }

  @Test("A store that is opened again finds every name, before and after it has read all of them")
  func namesOfAnOpenedStore() throws {
    let numbers = 1...700
    func names(_ number: Int) -> [Reference] {
      [
        Reference(.issue, "TP-\(number)"), Reference(.commit, "c0ffee\(number)"), Reference(.branch, "acme/site@ü\(number)"),
        Reference(.change, "acme/site!\(number)"), Reference(.classicID, "vstrace-github-issue-acme/site-\(number)"),
      ]
    }
    func write(_ numbers: some Sequence<Int>, to store: SQLiteSpanStore) throws {
      var changes = ProjectionChanges()
      for number in numbers {
        var change = StoreSamples.change(Subject(key: StoreSamples.issueKey(number)))
        (change.newAliases, change.newFollows) = (names(number), names(number))
        changes.subjects.append(change)
      }
      try store.write(changes)
    }
    var store = try SQLiteSpanStore(directory: directory.file("store"))
    try write(numbers, to: store)
    store.close()
    store = try SQLiteSpanStore(directory: directory.file("store"))
    defer { store.close() }
    // 3,500 names in each index. The last rounds find all of them read.
    for round in 0..<6 {
      for number in [1, 350, 700] {
        let key = StoreSamples.issueKey(number)
        #expect(try store.publishers(of: names(number)).allSatisfy { $0.value == [key] }, "round \(round)")
        #expect(try store.followers(of: names(number), limit: 2).allSatisfy { $0.value == [key] }, "round \(round)")
      }
      let others = names(9000) + [.key(StoreSamples.issueKey(9000))]
      #expect(try store.publishers(of: others) == Dictionary(uniqueKeysWithValues: others.map { ($0, []) }))
      #expect(try store.followers(of: others) == Dictionary(uniqueKeysWithValues: others.map { ($0, []) }))
      #expect(try store.publishers(of: [.key(StoreSamples.issueKey(1))]).values.first == [StoreSamples.issueKey(1)])
      try write([800 + round], to: store)
    }
  }

  @Test("A reopened store finds every exported trace before and after it has read the ledger of exports")
  func exportedTraces() throws {
    let count = 5000
    func key(_ number: Int) -> SubjectKey { StoreSamples.issueKey(number) }
    func trace(_ number: Int) -> TraceID { TraceID(high: UInt64(number) &* 0x9E37_79B9_7F4A_7C15, low: UInt64(number)) }
    do {
      let store = try SQLiteSpanStore(directory: directory.file("store"))
      defer { store.close() }
      try store.addExportRecords((0..<count).map { ExportRecord(key: key($0), traceID: trace($0)) })
    }
    let store = try SQLiteSpanStore(directory: directory.file("store"))
    defer { store.close() }
    for round in 0..<6 {
      for number in stride(from: round, to: count, by: 97) {
        #expect(try store.keys(exportedIn: trace(number), limit: 9) == [key(number)], "round \(round)")
      }
      #expect(try store.keys(exportedIn: TraceID(high: 3, low: 4), limit: 9).isEmpty)
      let new = ExportRecord(key: key(count + round), traceID: trace(count + round))
      try store.addExportRecords([new])
      #expect(try store.keys(exportedIn: new.traceID, limit: 9) == [new.key])
      // Each write reads more of the ledger.
      try store.write(ProjectionChanges())
    }
  }

  @Test("A filter never misses a name, and passes few others")
  func filter() {
    let filter = NameFilter()
    let names = (0..<30_000).map { Reference(.commit, "\($0)abcdef") } + (0..<30_000).map { Reference(.issue, "acme/site#\($0)") }
    for (index, name) in names.enumerated() {
      if index.isMultiple(of: 2) {
        filter.insert(name)
      } else {
        let stored = StoredName(name)
        filter.insert(space: stored.space, number: stored.number, text: stored.text)
      }
    }
    let others = (0..<30_000).map { Reference(.commit, "\($0)fedcba") }
    #expect(filter.possible(others).count == others.count, "until it is complete")
    filter.complete()
    #expect(filter.possible(names) == names)
    #expect(filter.possible(others).count < 300)
  }
}
