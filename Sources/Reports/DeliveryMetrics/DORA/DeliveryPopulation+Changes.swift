import ValueStreamCore

/// Finds the first release of each change.
extension DeliveryPopulation {
  mutating func addChanges(_ source: any FactSource) throws {
    let (deliveries, repeats) = (history.deliveries, history.repeats)
    /// The changes with several deliveries, and those that may have been delivered before.
    var uncertain: [Int32] = []
    var certain = ChangeLists(periods)
    let isWhole = scope.includesEverything && settings.includesBots
    let isOneGroup = scope.grouping == nil
    for index in deliveries.indices {
      let delivery = deliveries[index]
      guard Int(delivery.release) < history.successCount, isWhole || isInScope(delivery) else { continue }
      if delivery.mayBeOlder || repeats?.mayBeRepeated(delivery.change.rawValue) ?? true {
        uncertain.append(Int32(index))
      } else if isOneGroup {
        certain.add(entry(Int32(index)), delivery.released, group: 0)
      } else {
        let entry = entry(Int32(index))
        forEachGroup(delivery) { certain.add(entry, delivery.released, group: $0) }
      }
    }
    let first = firstDeliveries(among: uncertain)
    let older = try olderDeliveries(of: first, source)
    for (group, index) in first {
      let delivery = deliveries[Int(index)]
      if !older.isEmpty, older.contains(GroupedChange(change: delivery.change, group: group)) { continue }
      certain.add(entry(index), delivery.released, group: group)
    }
    certain.move(to: &periods)
  }

  private func isInScope(_ delivery: ReleaseHistory.Delivery) -> Bool {
    scope.includes(service: history.releases[Int(delivery.release)].service, repository: delivery.repository)
      && scope.includes(workType: delivery.workType) && (settings.includesBots || !delivery.traits.contains(.isByBot))
  }

  private func forEachGroup(_ delivery: ReleaseHistory.Delivery, _ visit: (Int32) -> Void) {
    let release = history.releases[Int(delivery.release)]
    scope.forEachGroup(
      service: release.service, repository: delivery.repository, environment: release.environment, visit)
  }

  /// Returns the first of these deliveries of each change to each group.
  private func firstDeliveries(among candidates: [Int32]) -> [(group: Int32, delivery: Int32)] {
    let deliveries = history.deliveries
    var capacity = candidates.count
    if scope.grouping == .team {
      capacity = 0
      for index in candidates { forEachGroup(deliveries[Int(index)]) { _ in capacity += 1 } }
    }
    var places = PlaceTable(minimumCapacity: capacity)
    var first: [(group: Int32, delivery: Int32)] = []
    first.reserveCapacity(capacity)
    for index in candidates {
      let delivery = deliveries[Int(index)]
      forEachGroup(delivery) { group in
        let new = Int32(first.count)
        let hash = delivery.change.rawValue &+ UInt64(UInt32(bitPattern: group)) &* 0x9e37_79b9
        let place = places.place(hash: hash, orInsert: new) {
          first[Int($0)].group == group && deliveries[Int(first[Int($0)].delivery)].change == delivery.change
        }
        if place == new {
          first.append((group, index))
        } else {
          let known = deliveries[Int(first[Int(place)].delivery)]
          if (delivery.released, delivery.release) < (known.released, known.release) { first[Int(place)].delivery = index }
        }
      }
    }
    return first
  }

  private struct GroupedChange: Hashable {
    var change: FactID
    var group: Int32
  }

  private func entry(_ index: Int32) -> ChangeEntry {
    let delivery = history.deliveries[Int(index)]
    if !settings.exclusions.isEmpty, settings.exclusions[delivery.change] != nil {
      return ChangeEntry(delivery: index, traits: delivery.traits, leftOut: .excluded, seconds: 0)
    }
    guard let start = delivery.start else {
      let reason: LeftOutReason =
        switch basis {
        case .commit: .firstCommitUnknown
        case .opened: .openingUnknown
        case .merged: .mergeUnknown
        }
      return ChangeEntry(delivery: index, traits: delivery.traits, leftOut: reason, seconds: 0)
    }
    let seconds = delivery.released.seconds(since: start)
    return ChangeEntry(delivery: index, traits: delivery.traits, leftOut: seconds < 0 ? .clock : nil, seconds: seconds)
  }

  /// Returns the changes that the group received before the days that were read.
  private func olderDeliveries(
    of first: [(group: Int32, delivery: Int32)], _ source: any FactSource
  ) throws -> Set<GroupedChange> {
    let windows = periods.values.map(\.window)
    let candidates = first.filter { entry in
      let delivery = history.deliveries[Int(entry.delivery)]
      return delivery.mayBeOlder && windows.contains { $0.contains(delivery.released) }
    }
    guard !candidates.isEmpty else { return [] }
    let changes = Set(candidates.map { history.deliveries[Int($0.delivery)].change })
    let (known, names) = try history.countedDeliveries(of: changes, source)
    var result: Set<GroupedChange> = []
    for (group, index) in candidates {
      let delivery = history.deliveries[Int(index)]
      let release = history.releases[Int(delivery.release)]
      for row in known[delivery.change] ?? [] where history.isOlder(row, than: release) {
        let service = names.number(of: row.target.service)
        var repository = names.number(of: row.labels.repository)
        if repository == 0 { repository = names.number(of: row.target.repository) }
        guard scope.includes(service: service, repository: repository) else { continue }
        let environment = names.number(of: row.target.environment)
        scope.forEachGroup(service: service, repository: repository, environment: environment) {
          if $0 == group { result.insert(GroupedChange(change: delivery.change, group: group)) }
        }
      }
    }
    return result
  }

  /// The changes of each period, by group.
  private struct ChangeLists {
    private var windows: [(period: Period, window: TimeWindow)] = []
    private var lists: [[[ChangeEntry]]] = []

    init(_ periods: [Period: Rows]) {
      for (period, rows) in periods {
        windows.append((period, rows.window))
        lists.append([[ChangeEntry]](repeating: [], count: rows.groups.count))
      }
    }

    mutating func add(_ entry: ChangeEntry, _ released: Timestamp, group: Int32) {
      for index in windows.indices where windows[index].window.contains(released) {
        lists[index][Int(group)].appendSparingly(entry)
      }
    }

    func move(to periods: inout [Period: Rows]) {
      for (index, period) in windows.enumerated() {
        for group in lists[index].indices { periods[period.period]?.groups[group].changes = lists[index][group] }
      }
    }
  }
}
