import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Facts in the store in memory")
struct MemoryFactStoreTests {
  private let contract = FactStoreContract(makeStore: { MemorySpanStore() })

  @Test("The facts of a subject are replaced as a whole")
  func replacement() throws { try contract.checkReplacement() }

  @Test("Facts come in order of days, those without a day last")
  func days() throws { try contract.checkDays() }

  @Test("holds what was written, after any number of writes", arguments: [1, 2] as [UInt64])
  func model(seed: UInt64) throws { try contract.checkAgainstModel(seed: seed) }

  @Test("keeps what operators leave out, also before it is known")
  func exclusions() throws { try contract.checkExclusions() }

  @Test("finds what is left out after its spans are gone, and under another key")
  func exclusionsOfOthers() throws { try contract.checkExclusionsOfOthers() }

  @Test("adds up what runs and jobs add to roll-ups, after any number of corrections", arguments: [1, 2] as [UInt64])
  func rollUps(seed: UInt64) throws { try contract.checkRollUps(seed: seed) }

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

  @Test("forgets all facts and all work when everything is removed, and completes no new work with an old ticket")
  func removeAll() throws {
    let store = MemorySpanStore()
    store.write(StoreSamples.changes([StoreSamples.issue(1)]))
    store.write(FactSamples.changes([FactSamples.facts(FactSamples.change(1, mergedOn: 1))]))
    let ticket = try #require(store.pendingFacts(limit: 1).ticket)
    store.removeAll()
    #expect(store.pendingFacts(limit: 1).isEmpty)
    #expect(store.factProgress() == FactProgress())
    store.write(StoreSamples.changes([StoreSamples.issue(2)]))
    var changes = FactChanges()
    changes.completed = ticket
    store.write(changes)
    #expect(store.pendingFacts(limit: 1).subjects.values.map(\.self) == [StoreSamples.issueKey(2)])
  }

  @Test("stays bounded when nobody takes the work")
  func bounds() {
    let store = MemorySpanStore()
    for _ in 0..<1_500 { store.write(StoreSamples.changes([StoreSamples.issue(1), StoreSamples.issue(2)])) }
    #expect(store.factProgress().waitingBatches == 2)
    #expect(store.pendingFacts(limit: 5).subjects.count == 2)
  }
}
