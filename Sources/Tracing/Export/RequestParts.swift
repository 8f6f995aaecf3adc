package import ValueStreamCore

/// Encoded spans on their way into one request, in groups (of a service, of a trace) and within a number of bytes.
package struct RequestParts<Group: Hashable> {
  /// In order of the first span of each.
  package private(set) var groups: [(group: Group, spans: [[UInt8]])] = []

  private let byteLimit: Int
  private let bytesAround: (Group) -> Int
  private var places: [Group: Int] = [:]
  private var byteCount = 0

  /// Bytes that stand beside an encoded span in its list, at most: a tag with its length, a comma.
  private static var bytesBesideSpan: Int { 6 }

  /// - Parameters:
  ///   - byteLimit: bytes of a request. Spans that are larger alone go alone.
  ///   - bytesAround: how many bytes a group takes beside its spans, at most.
  package init(byteLimit: Int, bytesAround: @escaping (Group) -> Int) {
    self.byteLimit = byteLimit
    self.bytesAround = bytesAround
  }

  /// Adds spans that belong into one request: a thing's with those of its phases.
  ///
  /// - Returns: false when they do not fit; the first always do.
  private mutating func add(_ spans: [(group: Group, bytes: [UInt8])]) -> Bool {
    var size = 0
    var newGroups: Set<Group> = []
    for (group, bytes) in spans {
      size += bytes.count + Self.bytesBesideSpan
      if places[group] == nil, newGroups.insert(group).inserted { size += bytesAround(group) }
    }
    guard groups.isEmpty || byteCount + size <= byteLimit else { return false }
    byteCount += size
    for (group, bytes) in spans {
      if let place = places[group] {
        groups[place].spans.append(bytes)
      } else {
        places[group] = groups.count
        groups.append((group, [bytes]))
      }
    }
    return true
  }

  /// Adds as many spans as fit, from the first on.
  ///
  /// - Parameter encoded: what a span becomes: itself, and what goes with it.
  /// - Returns: how many were added.
  package mutating func add(_ spans: [TracedSpan], as encoded: (TracedSpan) -> [(group: Group, bytes: [UInt8])]) -> Int {
    var count = 0
    while count < spans.count, add(encoded(spans[count])) { count += 1 }
    return count
  }
}
