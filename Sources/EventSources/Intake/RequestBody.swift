/// A body as it arrives: inflated where it was compressed, within its own bound and the bound of all bodies together.
struct RequestBody {
  enum Failure: Error {
    case tooLarge
    /// All bodies in flight together are too large.
    case noMemory
    /// Not what `Content-Encoding` says.
    case malformed
  }

  private(set) var bytes: [UInt8] = []
  private let limit: Int
  private let expected: Int?
  private let budget: MemoryBudget
  private var charged = 0
  private var inflater: Inflater?
  private var received = 0

  /// - Parameters:
  ///   - expected: `Content-Length`; nil when the body is chunked.
  ///   - isCompressed: with gzip.
  init(limit: Int, expected: Int?, isCompressed: Bool, budget: MemoryBudget) throws(Failure) {
    self.limit = limit
    self.expected = isCompressed ? nil : expected
    self.budget = budget
    if let expected, expected > limit { throw .tooLarge }
    if isCompressed {
      try charge(Inflater.memory)
      inflater = Inflater()
      if inflater == nil { throw .noMemory }
    }
  }

  /// Takes what arrived.
  mutating func append(_ piece: UnsafeBufferPointer<UInt8>) throws(Failure) {
    received += piece.count
    // Also bounds a body that inflates to nothing.
    if received > limit { throw .tooLarge }
    guard let inflater else { return try store(piece) }
    inflater.input(piece)
    while let inflated = try inflater.next() { try store(inflated) }
  }

  /// Says that everything arrived.
  func finish() throws(Failure) {
    if let inflater, !inflater.isComplete { throw .malformed }
  }

  /// Lets go of the bytes and of their share of memory.
  mutating func discard() {
    bytes = []
    inflater = nil
    budget.release(charged)
    charged = 0
  }

  private mutating func store(_ piece: UnsafeBufferPointer<UInt8>) throws(Failure) {
    let count = bytes.count + piece.count
    if count > limit { throw .tooLarge }
    if count > bytes.capacity {
      // A small body is given its announced size at once; a large one has to arrive before it gets much.
      let announced = min(expected ?? 0, Self.trustedSize)
      let capacity = max(count, announced, min(bytes.capacity * 2, limit))
      try charge(capacity - bytes.capacity)
      bytes.reserveCapacity(capacity)
    }
    bytes.append(contentsOf: piece)
  }

  private mutating func charge(_ amount: Int) throws(Failure) {
    guard budget.take(amount) else { throw .noMemory }
    charged += amount
  }

  private static let trustedSize = 64 << 10
}

/// Bytes that all bodies in flight may take together. Used by the server's thread only.
final class MemoryBudget {
  private var left: Int

  init(_ bytes: Int) {
    left = bytes
  }

  func take(_ amount: Int) -> Bool {
    guard amount <= left else { return false }
    left -= amount
    return true
  }

  func release(_ amount: Int) {
    left += amount
  }
}
