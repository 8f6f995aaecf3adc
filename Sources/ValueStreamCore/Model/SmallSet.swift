/// A set that rarely has more than a few elements.
///
/// It compares few elements one by one, which is faster than hashing them, and hashes many.
struct SmallSet<Element: Hashable> {
  private static var listLimit: Int { 16 }

  private let list: [Element]
  private let set: Set<Element>

  /// - Parameter elements: may contain an element several times.
  init(_ elements: [Element] = []) {
    let isSmall = elements.count <= Self.listLimit
    (list, set) = isSmall ? (elements, []) : ([], Set(elements))
  }

  func contains(_ element: Element) -> Bool {
    set.isEmpty ? list.contains(element) : set.contains(element)
  }
}
