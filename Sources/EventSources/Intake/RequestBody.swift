import PayloadReading

/// A body as it arrives, compressed or not. Enforces the limit for one body and for all bodies together.
struct RequestBody {
  enum Failure: Error {
    case tooLarge
    /// The body expands to more bytes than its compressed size allows.
    case tooDense
    /// All bodies in flight together are too large, or there is no memory.
    case noMemory
    /// The body is not encoded as `Content-Encoding` says.
    case malformed
  }

  /// The bytes as received, still compressed.
  private(set) var bytes: [UInt8] = []
  let isCompressed: Bool
  /// The bytes charged to the memory budget of all bodies.
  private(set) var charged = 0
  private let limit: Int
  private let expected: Int?
  private let isProved: Bool
  private let budget: MemoryBudget

  /// Prepares to receive a body.
  ///
  /// - Parameters:
  ///   - limit: the largest size in bytes, as received.
  ///   - expected: the value of `Content-Length`; nil if the body is chunked.
  ///   - isCompressed: true if the body is gzip.
  ///   - isProved: true if the sender is authenticated and may use the whole budget.
  /// - Throws: `tooLarge` if `expected` exceeds the limit.
  init(limit: Int, expected: Int?, isCompressed: Bool, isProved: Bool, budget: MemoryBudget) throws(Failure) {
    self.limit = limit
    self.expected = expected
    self.isCompressed = isCompressed
    self.isProved = isProved
    self.budget = budget
    if let expected, expected > limit { throw .tooLarge }
  }

  /// Appends received bytes.
  ///
  /// - Throws: `tooLarge` beyond the limit; `noMemory` if the budget is used up. The body is unchanged then, so that the
  ///   caller can try again.
  mutating func append(_ piece: UnsafeBufferPointer<UInt8>) throws(Failure) {
    let count = bytes.count + piece.count
    // This also bounds a compressed body that expands to nothing.
    if count > limit { throw .tooLarge }
    if count > bytes.capacity {
      // A small body gets its declared size at once. A large one must arrive before it gets much memory.
      let declared = min(expected ?? 0, Self.trustedSize) + JSONDocument.spareCapacity
      let capacity = max(count, declared, min(bytes.capacity * 2, limit))
      guard budget.take(capacity - charged, isProved: isProved) else { throw .noMemory }
      charged = capacity
      bytes.reserveCapacity(capacity)
    }
    bytes.append(contentsOf: piece)
  }

  /// Frees the bytes and returns their share of the budget.
  mutating func discard() {
    bytes = []
    budget.release(charged, isProved: isProved)
    charged = 0
  }

  private static let trustedSize = 64 << 10
}

/// The memory for all bodies in flight, part of which unauthenticated senders may use. Use it only on the server's
/// thread.
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
