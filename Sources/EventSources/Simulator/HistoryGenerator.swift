package import ValueStreamCore

/// Generates the webhook deliveries of a fictitious small organisation, in the order in which they are sent.
///
/// The deliveries are consistent with each other: issues, pull requests with reviews and builds, deploys, an
/// incident, releases. Memory holds only the work in progress, so a long history needs no more memory than a short
/// one.
package final class HistoryGenerator: Sequence, IteratorProtocol {
  /// A team and its next delivery.
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

  /// Creates a generator. The same configuration gives the same deliveries.
  ///
  /// - Parameter recordsItems: Whether to list all items in ``expectations``, which costs memory for each.
  package init(_ configuration: HistoryConfiguration, recordsItems: Bool = false) {
    let organization = Organization(seed: configuration.seed)
    teams = (0..<configuration.teamCount).map { number in
      Team(number: number, configuration: configuration, organization: organization, records: recordsItems)
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

  /// The facts that the history contains, to compare with a projection. Complete after the last delivery.
  package var expectations: HistoryExpectations {
    var all = HistoryExpectations()
    for team in teams { all.add(team.expectations) }
    return all
  }
}
