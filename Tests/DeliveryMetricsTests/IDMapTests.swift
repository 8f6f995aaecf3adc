import Testing
import ValueStreamCore

@testable import DeliveryMetrics

@Suite("Hash tables of ids")
struct IDMapTests {
  /// Ids as stores give them: long runs of neighbours with gaps, and single ones far away.
  private static func ids(seed: UInt64) -> [UInt64] {
    var random = SeededRandom(seed: seed)
    var ids: [UInt64] = []
    var next: UInt64 = 1
    for _ in 0..<200 {
      next += UInt64.random(in: 1...5000, using: &random)
      for _ in 0..<Int.random(in: 1...60, using: &random) {
        ids.append(next)
        next += UInt64.random(in: 1...3, using: &random)
      }
      ids.append(UInt64.random(in: 0...UInt64.max, using: &random))
    }
    return ids.shuffled(using: &random)
  }

  @Test("hold what was put in, however the ids lie", arguments: 0..<20 as Range<UInt64>)
  func map(seed: UInt64) {
    let ids = Self.ids(seed: seed)
    var map = IDMap()
    var wanted: [UInt64: Int32] = [:]
    for (index, id) in (ids + ids.prefix(100)).enumerated() {
      let value = Int32(index)
      #expect(map.value(of: id, orInsert: value) == wanted[id] ?? value)
      if wanted[id] == nil { wanted[id] = value }
      if index % 7 == 0 {
        map.set(value, for: id)
        wanted[id] = value
      }
    }
    #expect(map.count == wanted.count)
    for (id, value) in wanted { #expect(map[id] == value) }
    for id in ids where wanted[id &+ 1] == nil { #expect(map[id &+ 1] == nil) }
  }

  @Test("find equal entries of a list", arguments: 0..<20 as Range<UInt64>)
  func places(seed: UInt64) {
    let ids = Self.ids(seed: seed)
    var table = PlaceTable(minimumCapacity: ids.count)
    var entries: [UInt64] = []
    for id in ids + ids {
      let new = Int32(entries.count)
      let place = table.place(hash: id, orInsert: new) { entries[Int($0)] == id }
      if place == new { entries.append(id) }
      #expect(entries[Int(place)] == id)
    }
    #expect(entries.count == Set(ids).count)
  }
}
