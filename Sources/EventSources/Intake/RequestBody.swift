/// A body as it arrives, compressed or not, within its own bound and the bound of all bodies together.
struct RequestBody {
  enum Failure: Error {
    case tooLarge
    /// It inflates to more than so few bytes may.
    case tooDense
    /// All bodies in flight together are too large.
    case noMemory
    /// Not what `Content-Encoding` says.
    case malformed
  }

  /// As they came.
  private(set) var bytes: [UInt8] = []
  let isCompressed: Bool
  /// What it has of the memory of all bodies.
  private(set) var charged = 0
  private let limit: Int
  private let expected: Int?
  private let isProved: Bool
  private let budget: MemoryBudget

  /// - Parameters:
  ///   - expected: `Content-Length`; nil when the body is chunked.
  ///   - isCompressed: with gzip.
  ///   - isProved: by a sender that may use all of the budget.
  init(limit: Int, expected: Int?, isCompressed: Bool, isProved: Bool, budget: MemoryBudget) throws(Failure) {
    self.limit = limit
    self.expected = expected
    self.isCompressed = isCompressed
    self.isProved = isProved
    self.budget = budget
    if let expected, expected > limit { throw .tooLarge }
  }

  /// Takes what arrived. Without memory for it nothing has changed.
  mutating func append(_ piece: UnsafeBufferPointer<UInt8>) throws(Failure) {
    let count = bytes.count + piece.count
    // Also bounds a body that inflates to nothing.
    if count > limit { throw .tooLarge }
    if count > bytes.capacity {
      // A small body is given its announced size at once; a large one has to arrive before it gets much.
      let announced = min(expected ?? 0, Self.trustedSize)
      let capacity = max(count, announced, min(bytes.capacity * 2, limit))
      guard budget.take(capacity - charged, isProved: isProved) else { throw .noMemory }
      charged = capacity
      bytes.reserveCapacity(capacity)
    }
    bytes.append(contentsOf: piece)
  }

  /// Lets go of the bytes and of their share of memory.
  mutating func discard() {
    bytes = []
    budget.release(charged, isProved: isProved)
    charged = 0
  }

  private static let trustedSize = 64 << 10
}

/// Bytes that all bodies in flight may take together, and a part of them that is all for senders who have proved nothing. Used
/// by the server's thread only.
final class MemoryBudget {
  private var left: Int
  private var leftForUnproved: Int

  init(_ bytes: Int, unproved: Int) {
    left = bytes
    leftForUnproved = unproved
  }

  func take(_ amount: Int, isProved: Bool) -> Bool {
    guard amount <= left, isProved || amount <= leftForUnproved else { return false }
    left -= amount
    if !isProved { leftForUnproved -= amount }
    return true
  }

  func release(_ amount: Int, isProved: Bool) {
    left += amount
    if !isProved { leftForUnproved += amount }
  }
}
