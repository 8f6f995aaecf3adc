/// Stores the numbers of many groups compactly, at 8 bytes each and a small overhead.
///
/// The numbers of a group lie in linked chunks, each twice as long as the one before up to a bound. The chunks of all
/// groups lie in pages, so that nothing moves when a group grows.
struct SampleArena {
  /// The numbers of one group.
  struct List {
    /// The position of the newest chunk; -1 if there is none.
    fileprivate var chunk = -1
    fileprivate var used = 0
    fileprivate var capacity = 0
  }

  private var pages: [[Double]] = []
  private var usedOfLastPage = Self.pageSize

  private static let pageSize = 1 << 15
  private static let firstChunk = 3
  private static let longestChunk = 1 << 9

  mutating func append(_ value: Double, to list: inout List) {
    if list.used == list.capacity { addChunk(to: &list) }
    // The first slot of a chunk holds the position of the previous chunk and the count of numbers in it.
    let place = list.chunk + 1 + list.used
    pages[place / Self.pageSize][place % Self.pageSize] = value
    list.used += 1
  }

  /// Appends the numbers of a list to `values`.
  func collect(_ list: List, into values: inout [Double]) {
    var chunk = list.chunk
    var used = list.used
    while chunk >= 0 {
      let page = pages[chunk / Self.pageSize]
      let start = chunk % Self.pageSize
      values += page[(start + 1)..<(start + 1 + used)]
      let previous = page[start].bitPattern
      chunk = Int(Int32(truncatingIfNeeded: previous))
      used = Int(previous >> 32)
    }
  }

  private mutating func addChunk(to list: inout List) {
    let capacity = list.capacity == 0 ? Self.firstChunk : min(list.capacity * 2 + 1, Self.longestChunk - 1)
    if usedOfLastPage + capacity + 1 > Self.pageSize {
      pages.append([Double](repeating: 0, count: Self.pageSize))
      usedOfLastPage = 0
    }
    let place = (pages.count - 1) * Self.pageSize + usedOfLastPage
    let link = UInt64(list.used) << 32 | UInt64(UInt32(truncatingIfNeeded: list.chunk))
    pages[pages.count - 1][usedOfLastPage] = Double(bitPattern: link)
    usedOfLastPage += capacity + 1
    list = List(chunk: place, used: 0, capacity: capacity)
  }
}
