import Synchronization
import ValueStreamCore

/// Tells which names are certainly not in an index of the store, without reading it.
///
/// Most names that the projection looks up are new, and a look-up of a name that is not there costs as much as one that
/// finds something. This is a Bloom filter that grows: layers with room for twice as many names as the one before. One
/// in a thousand absent names counts as present, which costs a look-up.
///
/// The writer adds each name before it commits its row, so that whoever can see the row knows the name. The names of rows
/// that are gone stay.
final class NameFilter: Sendable {
  private struct Layer {
    var bits: [UInt64]
    var room: Int
    let mask: UInt64

    init(room: Int) {
      let words = (room * NameFilter.bitsPerName).nextPowerOfTwo / 64
      bits = [UInt64](repeating: 0, count: words)
      mask = UInt64(words * 64 - 1)
      self.room = room
    }

    func contains(_ hash: UInt64) -> Bool {
      for place in places(of: hash) where bits[Int(place >> 6)] & 1 << (place & 63) == 0 { return false }
      return true
    }

    mutating func insert(_ hash: UInt64) {
      for place in places(of: hash) { bits[Int(place >> 6)] |= 1 << (place & 63) }
      room -= 1
    }

    private func places(of hash: UInt64) -> some Sequence<UInt64> {
      let step = hash >> 32 | 1
      return (0..<NameFilter.probeCount).lazy.map { [mask] probe in (hash &+ probe &* step) & mask }
    }
  }

  private struct State {
    var layers: [Layer] = []
    var count = 0
    /// True if all names of the index are known.
    var isComplete = false
    /// True if there are too many names.
    var isOff = false
  }

  private let state = Mutex(State())
  /// Kinds of names that are not in the index, which always count as present.
  private let passedKinds: Set<Reference.Kind>

  init(passes kinds: Set<Reference.Kind> = []) {
    passedKinds = kinds
  }

  private static let firstRoom = 4096
  private static let bitsPerName = 16
  private static let probeCount: UInt64 = 5
  /// The most names, for which it takes 8 MiB. With more, every name counts as present.
  private static let limit = 4 << 20

  /// Adds a name.
  func insert(_ reference: Reference) {
    insert(hash: Self.hash(of: reference))
  }

  /// Adds the name in a row of the index.
  func insert(space: String, number: Int64, text: String) {
    var name = space + (number < 0 ? text : String(number))
    insert(hash: name.withUTF8 { Self.hash(of: UnsafeRawBufferPointer($0)) })
  }

  /// Adds the first half of the id of a trace.
  func insert(traceHigh high: UInt64) { insert(hash: Self.hash(of: high)) }

  /// False if no trace whose id begins like this is in the index.
  func mayContain(traceHigh high: UInt64) -> Bool {
    state.withLock { state in
      guard state.isComplete, !state.isOff else { return true }
      let hash = Self.hash(of: high)
      return state.layers.contains { $0.contains(hash) }
    }
  }

  private static func hash(of high: UInt64) -> UInt64 {
    var hasher = Hasher()
    hasher.combine(high)
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }

  private func insert(hash: UInt64) {
    state.withLock { state in
      guard !state.isOff, !state.layers.contains(where: { $0.contains(hash) }) else { return }
      guard state.count < Self.limit else {
        state = State(isOff: true)
        return
      }
      if state.layers.last.map({ $0.room == 0 }) ?? true { state.layers.append(Layer(room: max(Self.firstRoom, state.count))) }
      state.layers[state.layers.count - 1].insert(hash)
      state.count += 1
    }
  }

  /// Tells that all names of the index have been added.
  func complete() {
    state.withLock { $0.isComplete = true }
  }

  /// True if further names are of no use, because it is complete or there are too many.
  var isDone: Bool { state.withLock { $0.isComplete || $0.isOff } }

  /// Returns those of the names that may be in the index.
  func possible(_ references: [Reference]) -> [Reference] {
    state.withLock { state in
      guard state.isComplete, !state.isOff else { return references }
      return references.filter { reference in
        if passedKinds.contains(reference.kind) { return true }
        let hash = Self.hash(of: reference)
        return state.layers.contains { $0.contains(hash) }
      }
    }
  }

  /// Hashes a name like the space and the rest of its ``StoredName``. The hash is seeded, so that nobody can choose names
  /// that count as present.
  private static func hash(of reference: Reference) -> UInt64 {
    reference.withDescriptionBytes(hash)
  }

  private static func hash(of name: UnsafeRawBufferPointer) -> UInt64 { UInt64(bitPattern: Int64(TextHash.hash(of: name))) }
}

extension Int {
  fileprivate var nextPowerOfTwo: Int {
    var power = 64
    while power < self { power *= 2 }
    return power
  }
}
