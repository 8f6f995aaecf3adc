/// Some whole rows of a file, which one thread takes at once.
///
/// A class that owns its memory, because a thread keeps a pointer to it while it looks at rows. As a structure with an array,
/// looked at within closures, it needed no promise to the compiler, and reports took a tenth longer.
package final class CSVBlock: @unchecked Sendable {  // One thread at a time: the one that has it filled.
  /// With room for 64 bytes past ``end``, which are zero, so that vectors may be read from any byte.
  private(set) var bytes: UnsafeMutablePointer<UInt8>
  private(set) var capacity: Int
  /// Where the rows begin.
  package internal(set) var start = 0
  /// Past the line feed of the last row.
  package internal(set) var end = 0
  package internal(set) var file = CSVFile(name: "", columns: [])
  /// What stands between the fields of a row.
  var separator = CSVDialect.comma
  /// Line in the file where the first row begins.
  package internal(set) var firstLine = 1
  /// Which of all blocks of the source it is, or would have been.
  package internal(set) var number = 0
  /// True where the file ends within quotes, which were closed to make a row of it.
  var isQuoteUnclosed = false

  static let padding = 64

  /// - Parameter capacity: bytes at first; a longer row makes it grow. By default what a core's own cache holds beside what is
  ///   made of it.
  package init(capacity: Int = 1 << 18) {
    self.capacity = capacity
    bytes = .allocate(capacity: capacity + Self.padding)
  }

  deinit {
    bytes.deallocate()
  }

  /// Makes room for twice as many bytes, and keeps the first ones.
  func grow(keeping count: Int) {
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2 + Self.padding)
    larger.update(from: bytes, count: count)
    bytes.deallocate()
    bytes = larger
    capacity *= 2
  }
}
