package import CSV

/// Values below zero that were left out of means and percentiles: no duration and no size is negative, so something is wrong with them.
package struct NegativeValues: Sendable {
  package private(set) var count = 0
  /// Where the first of them stands; nil when there is none.
  package private(set) var first: CSVError?
  private var block = Int.max

  /// - Parameter block: number of the block that they were found in.
  mutating func add(_ count: Int, first: CSVError?, inBlock block: Int) {
    self.count += count
    guard let first, block < self.block else { return }
    self.first = first
    self.block = block
  }

  mutating func add(_ other: NegativeValues) {
    add(other.count, first: other.first, inBlock: other.block)
  }
}
