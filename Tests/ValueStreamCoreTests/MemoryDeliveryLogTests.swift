import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("The delivery log in memory")
struct MemoryDeliveryLogTests {
  private let contract = DeliveryLogContract(makeLog: { MemoryDeliveryLog() })

  @Test("keeps deliveries in order and finds each again")
  func order() throws { try contract.checkOrder() }

  @Test("takes an empty batch for nothing")
  func emptyAppend() throws { try contract.checkEmptyAppend() }

  @Test("reads backwards, the newest first")
  func backwards() throws { try contract.checkBackwards() }

  @Test("gives every byte back")
  func contents() throws { try contract.checkContents() }

  @Test("reads no more than asked for")
  func readLimits() throws { try contract.checkReadLimits() }

  @Test("removes only what is old or too much, and projected")
  func retention() throws { try contract.checkRetention() }

  @Test("is read while it is written")
  func concurrency() async throws { try await contract.checkReadersBesideWriter() }

  @Test("goes on with its places after everything was forgotten")
  func removeAll() throws {
    let log = MemoryDeliveryLog()
    let positions = log.append(StoreSamples.deliveries(0..<3))
    log.removeAll()
    #expect(log.size() == 0)
    #expect(log.read(after: nil, limit: 10, byteLimit: .max).isEmpty)
    #expect(log.coverage() == positions.coverage)
    #expect(log.append(StoreSamples.deliveries(3..<4))[0] > positions[2])
  }
}
