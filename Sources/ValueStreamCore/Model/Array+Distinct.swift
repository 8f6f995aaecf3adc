extension Array where Element: Hashable {
  /// Each element once, in any order.
  var distinct: [Element] {
    // Comparing few elements is faster than hashing them.
    guard count <= 16 else { return Array(Set(self)) }
    var distinct: [Element] = []
    distinct.reserveCapacity(count)
    for element in self where !distinct.contains(element) { distinct.append(element) }
    return distinct
  }
}
