import ValueStreamCore

/// Makes up the webhook deliveries of a small organisation, one after the other in the order in which they were sent.
///
/// They tell a story that fits together: issues, pull requests with reviews and builds, deploys, an incident, releases. Only
/// what still goes on is in memory, so a long history needs no more of it than a short one.
package final class HistoryGenerator: Sequence, IteratorProtocol {
  /// A team by the time of its next delivery.
  private struct Entry: Comparable {
    var delivery: HistoryDelivery
    var team: Team

    static func < (left: Entry, right: Entry) -> Bool {
      (left.delivery.time, left.team.number) < (right.delivery.time, right.team.number)
    }

    static func == (left: Entry, right: Entry) -> Bool { left.team === right.team }
  }

  private let teams: [Team]
  private var entries = Heap<Entry>()

  /// - Parameter recordsThings: whether ``expectations`` shall list things, which takes memory for each.
  package init(_ configuration: HistoryConfiguration, recordsThings: Bool = false) {
    let organization = Organization(seed: configuration.seed)
    teams = (0..<configuration.teamCount).map { number in
      Team(number: number, configuration: configuration, organization: organization, records: recordsThings)
    }
    for team in teams {
      if let delivery = team.nextDelivery() { entries.insert(Entry(delivery: delivery, team: team)) }
    }
  }

  package func next() -> HistoryDelivery? {
    guard let entry = entries.removeLeast() else { return nil }
    if let delivery = entry.team.nextDelivery() { entries.insert(Entry(delivery: delivery, team: entry.team)) }
    return entry.delivery
  }

  /// What the history tells; complete after its last delivery.
  package var expectations: HistoryExpectations {
    var all = HistoryExpectations()
    for team in teams { all.add(team.expectations) }
    return all
  }
}
