package import CSV

/// Counts values below zero, which are left out of means and percentiles.
///
/// Neither a duration nor a size can be negative, so such a value shows an error in the data.
package struct NegativeValues: Sendable {
  package private(set) var count = 0
  /// The location of the first negative value; nil if there is none.
  package private(set) var first: CSVError?
  private var block = Int.max

  /// Adds the negative values of a block.
  ///
  /// - Parameter block: The number of the block that contains the values.
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
