import ValueStreamCore

/// Finds a deploy and its release by subject and attempt.
struct DeployMap: Sendable {
  /// Attempts after the first.
  private var later: [UInt64: [(attempt: UInt16, deploy: Int32, release: Int32)]] = [:]
  private var places: IDMap
  private var entries: [(attempt: UInt16, deploy: Int32, release: Int32)] = []

  init(capacity: Int = 0) {
    places = IDMap(minimumCapacity: capacity)
    entries.reserveCapacity(capacity)
  }

  mutating func set(_ id: FactID, _ attempt: UInt16, _ value: (deploy: Int32, release: Int32)) {
    let place = places.value(of: id.rawValue, orInsert: Int32(entries.count))
    if place == entries.count {
      entries.append((attempt, value.deploy, value.release))
    } else {
      later[id.rawValue, default: []].append((attempt, value.deploy, value.release))
    }
  }

  subscript(id: FactID, attempt: UInt16) -> (deploy: Int32, release: Int32)? {
    guard let place = places[id.rawValue] else { return nil }
    let entry = entries[Int(place)]
    if entry.attempt == attempt { return (entry.deploy, entry.release) }
    return later[id.rawValue]?.first { $0.attempt == attempt }.map { ($0.deploy, $0.release) }
  }
}
