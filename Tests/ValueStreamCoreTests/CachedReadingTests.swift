import Testing
import ValueStreamCore

@Suite("Readings that spare the store")
struct CachedReadingTests {
  private struct Unreadable: Error {}

  @Test("what was read is kept for a multiple of the time that reading took, and errors are not")
  func keeps() throws {
    let kept = CachedReading<Int>(restFactor: 1_000_000_000)
    #expect(throws: Unreadable.self) { try kept.value { throw Unreadable() } }
    #expect(try kept.value { 1 } == 1)
    #expect(try kept.value { 2 } == 1)
    let fresh = CachedReading<Int>(restFactor: 0)
    #expect(try fresh.value { 1 } == 1)
    #expect(try fresh.value { 2 } == 2)
  }
}
