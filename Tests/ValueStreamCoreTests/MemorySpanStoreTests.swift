import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("The span store in memory")
struct MemorySpanStoreTests {
  private let contract = SpanStoreContract(makeStore: { MemorySpanStore() })

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

  @Test("says where things stand in lists")
  func places() throws { try contract.checkPlaces() }

  @Test("finds traces by id")
  func traceKeys() throws { try contract.checkTraces() }

  @Test("knows the kinds of work it has seen")
  func kinds() throws { try contract.checkKinds() }

  @Test("keeps announcements in order, and how far exporters came")
  func outboxEntries() throws { try contract.checkOutbox() }

  @Test("keeps the newest of what receivers refused")
  func rejections() throws { try contract.checkRejections() }

  @Test("The export ledger only grows")
  func exportRecords() throws { try contract.checkExportRecords() }

  @Test("What was announced and exported under a name becomes that of the thing")
  func absorption() throws { try contract.checkAbsorption() }

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

  @Test("forgets everything, but gives no place twice")
  func removeAll() {
    let store = MemorySpanStore()
    var changes = StoreSamples.changes([StoreSamples.issue(1)])
    changes.outboxEntries = [OutboxEntry(key: StoreSamples.issueKey(1), attempt: 1, time: .epoch)]
    changes.values = ["counters": [1]]
    changes.position = LogCoverage(LogPosition(rawValue: 4))
    store.write(changes)
    store.removeAll()
    #expect(store.subjects([StoreSamples.issueKey(1)]).isEmpty)
    #expect(store.values().isEmpty)
    #expect(store.position() == nil)
    store.write(changes)
    #expect(store.outboxEntries(after: 0, limit: 9).map(\.sequence) == [2])
  }
}
