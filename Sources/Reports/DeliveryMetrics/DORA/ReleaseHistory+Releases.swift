import ValueStreamCore

/// Forms releases of deploys.
extension ReleaseHistory {
  mutating func formReleases() {
    let settings = question.settings
    let environments = EnvironmentRule(settings, question.scope, names)
    for index in incidents.indices {
      let number = names.number(of: incidents[index].fact.environment)
      let target = DeployFactTarget(service: .none, environment: incidents[index].fact.environment)
      incidents[index].isCounted = number == 0 || environments.includes(target, names)
    }
    nextDeploy = [Int32](repeating: -1, count: deploys.count)
    var keyed: [(list: UInt64, start: Timestamp, deploy: Int32)] = []
    keyed.reserveCapacity(deploys.count)
    var failed: [Int32] = []
    for (index, deploy) in deploys.enumerated() where deploy.outcome == .success || deploy.outcome == .failure {
      let number = Int32(index)
      guard environments.includes(deploy.target, names) else {
        if deploy.outcome == .success, environments.isUndecided(deploy.target, names) {
          leftOut.append((number, .environmentUnknown))
        }
        continue
      }
      if !settings.exclusions.isEmpty, settings.exclusions[deploy.id] != nil {
        leftOut.append((number, .excluded))
      } else if deploy.outcome == .failure {
        if settings.failureRules.contains(.failed), deploy.started != nil { failed.append(number) }
      } else if deploy.ended == nil {
        leftOut.append((number, .endUnknown))
      } else {
        keyed.append((list(of: deploy), deploy.started ?? deploy.created, number))
      }
    }
    let ordered = reorderDeploys(sorted(keyed), &failed)
    var open: [Int] = []
    var list: UInt64?
    for entry in ordered {
      if entry.list != list {
        if list != nil { finishList() }
        list = entry.list
        open = []
      }
      place(entry.deploy, &open)
    }
    if list != nil { finishList() }
    successCount = releases.count
    appendFailed(failed)
    releaseOfDeploy = DeployMap(capacity: ordered.count)
    for index in releases.indices {
      var deploy = releases[index].firstDeploy
      while deploy >= 0 {
        releaseOfDeploy.set(deploys[Int(deploy)].id, deploys[Int(deploy)].attempt, (deploy, Int32(index)))
        deploy = nextDeploy[Int(deploy)]
      }
    }
  }

  /// Puts the deploys into the order of the lists, so that what follows reads memory in order.
  ///
  /// - Returns: the entries with the new numbers of their deploys.
  private mutating func reorderDeploys(
    _ entries: [(list: UInt64, start: Timestamp, deploy: Int32)], _ failed: inout [Int32]
  ) -> [(list: UInt64, start: Timestamp, deploy: Int32)] {
    var new = [Int32](repeating: -1, count: deploys.count)
    var ordered: [DeployFact] = []
    ordered.reserveCapacity(deploys.count)
    var result = entries
    for index in entries.indices {
      new[Int(entries[index].deploy)] = Int32(index)
      result[index].deploy = Int32(index)
      ordered.append(deploys[Int(entries[index].deploy)])
    }
    for index in deploys.indices where new[index] < 0 {
      new[index] = Int32(ordered.count)
      ordered.append(deploys[index])
    }
    deploys = ordered
    failed = failed.map { new[Int($0)] }
    for index in leftOut.indices { leftOut[index].deploy = new[Int(leftOut[index].deploy)] }
    return result
  }

  private func list(of deploy: DeployFact) -> UInt64 {
    let service = UInt64(UInt32(bitPattern: names.number(of: deploy.target.service)))
    guard question.separatesEnvironments else { return service }
    return service << 32 | UInt64(UInt32(bitPattern: names.number(of: deploy.target.environment)))
  }

  /// Sorts by list, start, and deploy.
  ///
  /// First divides by list, because short lists that are nearly sorted take little time.
  private func sorted(
    _ entries: [(list: UInt64, start: Timestamp, deploy: Int32)]
  ) -> [(list: UInt64, start: Timestamp, deploy: Int32)] {
    var numbers = IDMap(minimumCapacity: 1024)
    var counts: [Int] = []
    let places = entries.map { entry in
      let place = Int(numbers.value(of: entry.list, orInsert: Int32(counts.count)))
      if place == counts.count { counts.append(0) }
      counts[place] += 1
      return place
    }
    var starts: [Int] = []
    var sum = 0
    for count in counts {
      starts.append(sum)
      sum += count
    }
    var next = starts
    var result = entries
    for (entry, place) in zip(entries, places) {
      result[next[place]] = entry
      next[place] += 1
    }
    for (start, count) in zip(starts, counts) where count > 1 {
      result[start..<start + count].sort { left, right in
        if left.start != right.start { return left.start < right.start }
        let (a, b) = (deploys[Int(left.deploy)], deploys[Int(right.deploy)])
        return (a.id, a.attempt) < (b.id, b.attempt)
      }
    }
    return result
  }

  /// Adds a deploy to the release of its commit that began shortly before, or begins a release.
  ///
  /// - Parameter open: the releases of the list that may get more deploys.
  private mutating func place(_ number: Int32, _ open: inout [Int]) {
    let deploy = deploys[Int(number)]
    let start = deploy.started ?? deploy.created
    guard let end = deploy.ended else { return }
    let isRollback = deploy.step == .rollback
    open.removeAll { start.seconds(since: releases[$0].start) > question.settings.releaseSpanSeconds }
    if deploy.commit.isKnown,
      let index = open.last(where: { releases[$0].commit == deploy.commit && !has(releases[$0], deploy.target.environment) })
    {
      nextDeploy[Int(releases[index].lastDeploy)] = number
      releases[index].lastDeploy = number
      if end < releases[index].end {
        releases[index].end = end
        releases[index].ending = number
      }
      if isRollback, !releases[index].isRollback {
        releases[index].isRollback = true
        releases[index].rollbackCreated = deploy.created
      }
      if deploy.step != .unknown { releases[index].isStepUnknown = false }
      return
    }
    open.append(releases.count)
    releases.append(
      Release(
        service: names.number(of: deploy.target.service), repository: names.number(of: deploy.target.repository),
        environment: question.separatesEnvironments ? names.number(of: deploy.target.environment) : 0,
        commit: deploy.commit, start: start, end: end, ending: number, firstDeploy: number, lastDeploy: number,
        isRollback: isRollback, isStepUnknown: deploy.step == .unknown, rollbackCreated: isRollback ? deploy.created : nil))
  }

  private func has(_ release: Release, _ environment: FactName) -> Bool {
    let number = names.number(of: environment)
    var deploy = release.firstDeploy
    while deploy >= 0 {
      if names.number(of: deploys[Int(deploy)].target.environment) == number { return true }
      deploy = nextDeploy[Int(deploy)]
    }
    return false
  }

  /// The deploys of a release, in the order in which they began.
  func members(of release: Release) -> [Int32] {
    var members = [release.firstDeploy]
    while let last = members.last, nextDeploy[Int(last)] >= 0 { members.append(nextDeploy[Int(last)]) }
    return members
  }

  func deployCount(of release: Release) -> Int {
    var (count, deploy) = (0, release.firstDeploy)
    while deploy >= 0 {
      count += 1
      deploy = nextDeploy[Int(deploy)]
    }
    return count
  }

  private mutating func finishList() {
    let range = (lists.last?.upperBound ?? 0)..<releases.count
    releases[range].sort { left, right in
      if left.end != right.end { return left.end < right.end }
      if left.start != right.start { return left.start < right.start }
      return deploys[Int(left.ending)].id < deploys[Int(right.ending)].id
    }
    for index in range { releases[index].list = Int32(lists.count) }
    listsOfService[releases[range.lowerBound].service, default: []].append(lists.count)
    lists.append(range)
  }

  /// Appends failed deploys, which the rule `failed` counts as releases of their own.
  private mutating func appendFailed(_ failed: [Int32]) {
    let ordered = failed.sorted { left, right in
      let (a, b) = (deploys[Int(left)], deploys[Int(right)])
      return (a.ended ?? a.created, a.id, a.attempt) < (b.ended ?? b.created, b.id, b.attempt)
    }
    var open: [Int] = []
    for number in ordered {
      let deploy = deploys[Int(number)]
      let start = deploy.started ?? deploy.created
      let (service, environment) = (names.number(of: deploy.target.service), names.number(of: deploy.target.environment))
      let listed = question.separatesEnvironments ? environment : 0
      open.removeAll { abs(start.seconds(since: releases[$0].start)) > question.settings.releaseSpanSeconds }
      if deploy.commit.isKnown,
        let index = open.last(where: {
          releases[$0].commit == deploy.commit && releases[$0].service == service && releases[$0].environment == listed
            && !has(releases[$0], deploy.target.environment)
        })
      {
        nextDeploy[Int(releases[index].lastDeploy)] = number
        releases[index].lastDeploy = number
        continue
      }
      open.append(releases.count)
      releases.append(
        Release(
          service: service, repository: names.number(of: deploy.target.repository), environment: listed,
          commit: deploy.commit, start: start, end: deploy.ended ?? deploy.started ?? deploy.created, ending: number,
          firstDeploy: number, lastDeploy: number, isRollback: false, isStepUnknown: false, rollbackCreated: nil, list: -1,
          rules: Rules(.failed)))
    }
  }
}
