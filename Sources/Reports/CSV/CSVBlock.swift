/// A buffer with whole rows of a file, the unit of work of one thread.
///
/// It is a class that owns its memory, so that a thread can keep a pointer into it while it reads rows. A structure
/// with an array that is accessed through closures would not need `@unchecked Sendable`, but made reports 10 %
/// slower.
package final class CSVBlock: @unchecked Sendable {  // Only the thread that filled it uses it.
  /// The rows, followed by 64 zero bytes past ``end``, so that vector loads can start at any byte.
  private(set) var bytes: UnsafeMutablePointer<UInt8>
  private(set) var capacity: Int
  /// The offset of the first row.
  package internal(set) var start = 0
  /// The offset past the line feed of the last row.
  package internal(set) var end = 0
  package internal(set) var file = CSVFile(name: "", columns: [])
  /// The byte between the fields of a row.
  var separator = CSVDialect.comma
  /// The line of the file on which the first row begins, counted from 1.
  package internal(set) var firstLine = 1
  /// The index of the block among all blocks of the source. It also counts when ``CSVSource/next(into:)`` found no
  /// rows.
  package internal(set) var number = 0
  /// True if the file ends within quotes; the source then closes them to complete the last row.
  var isQuoteUnclosed = false

  static let padding = 64

  /// Creates an empty block.
  ///
  /// - Parameter capacity: The initial size in bytes; a longer row makes the block grow. The default fits the cache
  ///   of a core together with the values that are parsed from it.
  package init(capacity: Int = 1 << 18) {
    self.capacity = capacity
    bytes = .allocate(capacity: capacity + Self.padding)
  }

  deinit {
    bytes.deallocate()
  }

  /// Doubles the capacity and keeps the first `count` bytes.
  func grow(keeping count: Int) {
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2 + Self.padding)
    larger.update(from: bytes, count: count)
    bytes.deallocate()
    bytes = larger
    capacity *= 2
  }
}
