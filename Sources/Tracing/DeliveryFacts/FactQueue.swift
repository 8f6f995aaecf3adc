/// Elements in the order in which they were added, each once.
struct FactQueue<Element: Hashable & Sendable>: Sendable {
  private var elements: Set<Element> = []
  /// May also hold elements that were removed, and some twice.
  private var order: [Element] = []
  private var head = 0

  var count: Int { elements.count }
  var isEmpty: Bool { elements.isEmpty }

  /// - Returns: false if the element is there already.
  mutating func insert(_ element: Element) -> Bool {
    guard elements.insert(element).inserted else { return false }
    order.append(element)
    if order.count > 2 * elements.count + 1024 { dropOutdated() }
    return true
  }

  /// - Returns: false if the element is not there.
  mutating func remove(_ element: Element) -> Bool {
    elements.remove(element) != nil
  }

  /// Removes and returns the elements that were added first.
  mutating func removeFirst(atMost limit: Int) -> [Element] {
    var taken: [Element] = []
    while taken.count < limit, head < order.count {
      if elements.remove(order[head]) != nil { taken.append(order[head]) }
      head += 1
    }
    if elements.isEmpty { (order, head) = ([], 0) }
    return taken
  }

  /// Makes room. The cost is spread over the insertions since the last time.
  private mutating func dropOutdated() {
    var seen: Set<Element> = []
    order = order[head...].filter { elements.contains($0) && seen.insert($0).inserted }
    head = 0
  }
}
