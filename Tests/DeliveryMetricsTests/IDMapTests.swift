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

  @Test("tell ids that were added once from others, and never take a repeated one for single", arguments: 0..<20 as Range<UInt64>)
  func repeats(seed: UInt64) {
    let ids = Array(Set(Self.ids(seed: seed))).sorted()
    let repeated = Set(ids.enumerated().filter { $0.offset % 5 == 0 }.map(\.element))
    var filter = RepeatFilter(capacity: ids.count)
    for id in ids { filter.add(id) }
    for id in repeated { filter.add(id) }
    for id in repeated { #expect(filter.mayBeRepeated(id)) }
    // Some single ids share a place with another one, but few, or the filter would save nothing.
    let wrong = ids.count { !repeated.contains($0) && filter.mayBeRepeated($0) }
    #expect(wrong * 4 < ids.count)
  }

  @Test("find the deploys of a list wherever the search begins", arguments: 0..<20 as Range<UInt64>)
  func deploys(seed: UInt64) {
    let ids = Self.ids(seed: seed)
    var wanted: [FactID: [UInt16: Int32]] = [:]
    var entries: [DeployMap.Entry] = []
    for (index, id) in (ids + ids.prefix(50)).enumerated() {
      let attempt = UInt16(index < ids.count ? 2 : 1)
      entries.append(
        DeployMap.Entry(
          id: id, attempt: attempt, deploy: Int32(index), release: Int32(index), released: .epoch, deployStarted: -1))
      wanted[FactID(rawValue: id), default: [:]][attempt] = Int32(index)
    }
    let map = DeployMap(entries)
    var place = 0
    for id in ids.prefix(500) + ids.sorted() {
      for attempt in [1, 2, 3] as [UInt16] {
        let known = wanted[FactID(rawValue: id)]?[attempt]
        #expect(map.find(FactID(rawValue: id), attempt, near: &place)?.deploy == known)
        #expect(map[FactID(rawValue: id), attempt]?.deploy == known)
      }
    }
  }
}
