package import ValueStreamCore

/// Encoded spans for one request, grouped by service or trace and limited to a number of bytes.
package struct RequestParts<Group: Hashable> {
  /// The groups, in the order of their first spans.
  package private(set) var groups: [(group: Group, spans: [[UInt8]])] = []

  private let byteLimit: Int
  private let bytesAround: (Group) -> Int
  private var places: [Group: Int] = [:]
  private var byteCount = 0

  /// The largest number of bytes that a span takes in its list besides its own: a tag with its length, or a comma.
  private static var bytesBesideSpan: Int { 6 }

  /// - Parameters:
  ///   - byteLimit: The largest size of a request in bytes. A span that exceeds it gets a request of its own.
  ///   - bytesAround: Returns the largest number of bytes that a group takes besides its spans.
  package init(byteLimit: Int, bytesAround: @escaping (Group) -> Int) {
    self.byteLimit = byteLimit
    self.bytesAround = bytesAround
  }

  /// Adds spans that must be in the same request, such as a span with its phases.
  ///
  /// - Returns: False if they do not fit. The first ones always fit.
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

  /// Adds as many spans as fit, in order.
  ///
  /// - Parameter encoded: Returns the encoded span together with the spans that must be in the same request.
  /// - Returns: The number of spans that were added.
  package mutating func add(_ spans: [TracedSpan], as encoded: (TracedSpan) -> [(group: Group, bytes: [UInt8])]) -> Int {
    var count = 0
    while count < spans.count, add(encoded(spans[count])) { count += 1 }
    return count
  }
}
