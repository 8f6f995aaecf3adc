import PostgresServer
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import PostgresStore

@Suite("Facts in the store in PostgreSQL")
struct PostgresFactStoreTests {
  private let contract: FactStoreContract

  init() throws {
    let pool = try PostgresServer.shared.get().pool()
    let (address, schema) = (pool.address, String(pool.schema.dropFirst().dropLast(2)))
    let open: @Sendable () throws -> PostgresSpanStore = {
      try PostgresSpanStore.leading(PostgresPool(address, schema: schema))
    }
    contract = FactStoreContract(
      makeStore: open,
      reopen: { store in
        store.close()
        return try open()
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
}
