import PostgresServer
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import PostgresStore

@Suite("The span store in PostgreSQL")
struct PostgresSpanStoreTests {
  private let contract: SpanStoreContract

  init() throws {
    let pool = try PostgresServer.shared.get().pool()
    let (address, schema) = (pool.address, String(pool.schema.dropFirst().dropLast(2)))
    let open: @Sendable () throws -> PostgresSpanStore = {
      try PostgresSpanStore.leading(PostgresPool(address, schema: schema))
    }
    contract = SpanStoreContract(
      makeStore: open,
      reopen: { store in
        store.close()
        return try open()
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
}

extension PostgresSpanStore {
  /// Opens a store as a daemon does that takes the lease from whoever holds it.
  static func leading(_ pool: PostgresPool) throws -> PostgresSpanStore {
    _ = try PostgresSchema.prepare(pool)
    let lease = PostgresLease(pool, holder: "test")
    try lease.takeNow()
    let store = PostgresSpanStore(pool, lease: lease)
    try store.prepareToLead()
    return store
  }
}
