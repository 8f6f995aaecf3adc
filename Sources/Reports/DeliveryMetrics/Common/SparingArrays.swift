/// Arrays of hundreds of thousands of rows that grow without touching more memory than they need.
///
/// The system provides memory page by page when it is first written, which takes longer than most of what reports do with
/// a row. Memory that is reserved but never written costs nothing.
extension Array {
  /// Appends an element, and makes room for many more if there is none.
  mutating func appendSparingly(_ element: Element) {
    if count == capacity { reserveCapacity(Swift.max(64, count * 8)) }
    append(element)
  }

  /// Moves the arrays out of all elements into one, usually into the memory of the first.
  mutating func takeAll<Row>(_ rows: WritableKeyPath<Element, [Row]>) -> [Row] {
    var result: [Row] = []
    let total = reduce(0) { $0 + $1[keyPath: rows].count }
    for index in indices {
      if result.isEmpty {
        swap(&result, &self[index][keyPath: rows])
        if result.capacity < total { result.reserveCapacity(total) }
      } else {
        result += self[index][keyPath: rows]
        self[index][keyPath: rows] = []
      }
    }
    return result
  }
}
