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
    var counted = CountedDeploys(capacity: deploys.count)
    var failed: [Int32] = []
    let countsFailures = settings.failureRules.contains(.failed)
    for (index, deploy) in deploys.enumerated()
    where deploy.outcome == .success || countsFailures && deploy.outcome == .failure {
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
        if deploy.started != nil { failed.append(number) }
      } else if deploy.ended == nil || deploy.target.traits.contains(.isEndUnknown) {
        leftOut.append((number, .endUnknown))
      } else {
        counted.append(number, list: list(of: deploy))
      }
    }
    releases.reserveCapacity(counted.count + failed.count)
    var open = OpenReleases()
    let (ordered, ends) = counted.sorted(deploys)
    var first = 0
    for end in ends {
      open.removeAll()
      for deploy in ordered[first..<end] { place(deploy, &open) }
      finishList()
      first = end
    }
    successCount = releases.count
    appendFailed(failed)
    findReleases()
  }

  /// Fills ``releaseOfDeploy``.
  private mutating func findReleases() {
    var releaseOf = [(index: Int32, end: Timestamp, started: Int64)](repeating: (-1, .epoch, -1), count: deploys.count)
    for index in releases.indices {
      var deploy = releases[index].firstDeploy
      while deploy >= 0 {
        releaseOf[Int(deploy)] = (Int32(index), releases[index].end, releases[index].endingStarted)
        deploy = nextDeploy[Int(deploy)]
      }
    }
    var entries: [DeployMap.Entry] = []
    entries.reserveCapacity(deploys.count)
    for (index, deploy) in deploys.enumerated() where releaseOf[index].index >= 0 {
      entries.append(
        DeployMap.Entry(
          id: deploy.id.rawValue, attempt: deploy.attempt, deploy: Int32(index), release: releaseOf[index].index,
          released: releaseOf[index].end, deployStarted: releaseOf[index].started))
    }
    releaseOfDeploy = DeployMap(entries)
  }

  private func list(of deploy: DeployFact) -> UInt64 {
    let service = UInt64(UInt32(bitPattern: names.number(of: deploy.target.service)))
    guard question.separatesEnvironments else { return service }
    return service << 32 | UInt64(UInt32(bitPattern: names.number(of: deploy.target.environment)))
  }

  /// Adds a deploy to the release of its commit that began shortly before, or begins a release.
  ///
  /// - Parameter open: the releases of the list that may get more deploys.
  private mutating func place(_ deploy: CountedDeploys.Deploy, _ open: inout OpenReleases) {
    let (number, start, end) = (deploy.number, deploy.start, deploy.end)
    let isRollback = deploy.step == .rollback
    open.remove { start.seconds(since: releases[$0].start) > question.settings.releaseSpanSeconds }
    let environment = names.number(of: deploy.environment)
    if deploy.commit.isKnown, let index = release(of: deploy.commit, without: environment, &open) {
      add(number, environment, to: index, &open)
      if end < releases[index].end {
        releases[index].end = end
        releases[index].ending = number
        releases[index].endingStarted = deploy.hasStarted ? start.nanoseconds : -1
      }
      if isRollback, !releases[index].isRollback {
        releases[index].isRollback = true
        releases[index].rollbackCreated = deploys[Int(number)].created
      }
      if deploy.step != .unknown { releases[index].isStepUnknown = false }
      return
    }
    open.append(releases.count)
    releases.append(
      Release(
        service: names.number(of: deploy.service), repository: names.number(of: deploy.repository),
        environment: question.separatesEnvironments ? names.number(of: deploy.environment) : 0,
        commit: deploy.commit, start: start, end: end, rollbackCreated: isRollback ? deploys[Int(number)].created : .latest,
        endingStarted: deploy.hasStarted ? start.nanoseconds : -1, ending: number, firstDeploy: number, lastDeploy: number,
        isRollback: isRollback, isStepUnknown: deploy.step == .unknown))
  }

  /// Returns the last open release of a commit that has no deploy to an environment yet.
  private func release(
    of commit: CommitPrefix, without environment: Int32, _ open: inout OpenReleases,
    where isSame: (Release) -> Bool = { _ in true }
  ) -> Int? {
    for index in open.indices.reversed() where releases[index].commit == commit && isSame(releases[index]) {
      if !has(environment, release: index, &open) { return index }
    }
    return nil
  }

  private func has(_ environment: Int32, release index: Int, _ open: inout OpenReleases) -> Bool {
    if let known = open.environments[index] { return known.contains(environment) }
    var count = 0
    var deploy = releases[index].firstDeploy
    while deploy >= 0, count < OpenReleases.few {
      if self.environment(of: deploy) == environment { return true }
      deploy = nextDeploy[Int(deploy)]
      count += 1
    }
    guard deploy >= 0 else { return false }
    let all = Set(members(of: releases[index]).map { self.environment(of: $0) })
    open.environments[index] = all
    return all.contains(environment)
  }

  private func environment(of deploy: Int32) -> Int32 { names.number(of: deploys[Int(deploy)].target.environment) }

  private mutating func add(_ deploy: Int32, _ environment: Int32, to index: Int, _ open: inout OpenReleases) {
    nextDeploy[Int(releases[index].lastDeploy)] = deploy
    releases[index].lastDeploy = deploy
    open.environments[index]?.insert(environment)
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
    func isBefore(_ left: Release, _ right: Release) -> Bool {
      if left.end != right.end { return left.end < right.end }
      if left.start != right.start { return left.start < right.start }
      return deploys[Int(left.ending)].id < deploys[Int(right.ending)].id
    }
    // Releases usually end in the order in which they begin.
    if range.dropFirst().contains(where: { isBefore(releases[$0], releases[$0 - 1]) }) { releases[range].sort(by: isBefore) }
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
    var open = OpenReleases()
    for number in ordered {
      let deploy = deploys[Int(number)]
      let start = deploy.started ?? deploy.created
      let (service, environment) = (names.number(of: deploy.target.service), names.number(of: deploy.target.environment))
      let listed = question.separatesEnvironments ? environment : 0
      open.remove { abs(start.seconds(since: releases[$0].start)) > question.settings.releaseSpanSeconds }
      if deploy.commit.isKnown,
        let index = release(
          of: deploy.commit, without: environment, &open, where: { $0.service == service && $0.environment == listed })
      {
        add(number, environment, to: index, &open)
        continue
      }
      open.append(releases.count)
      releases.append(
        Release(
          service: service, repository: names.number(of: deploy.target.repository), environment: listed,
          commit: deploy.commit, start: start, end: deploy.ended ?? deploy.started ?? deploy.created, rollbackCreated: .latest,
          endingStarted: deploy.started?.nanoseconds ?? -1, ending: number, firstDeploy: number, lastDeploy: number, list: -1,
          isRollback: false, isStepUnknown: false,
          rules: Rules(.failed)))
    }
  }
}

/// The releases of a list that may get more deploys, oldest first.
private struct OpenReleases {
  private(set) var indices: [Int] = []
  /// The environments of releases with more than ``few`` deploys, by index of the release.
  var environments: [Int: Set<Int32>] = [:]

  /// Upper bound on open releases. It keeps the work linear when somebody deploys thousands of times within the span of one
  /// release.
  static let limit = 512
  /// The number of deploys up to which a release is searched for an environment one by one.
  static let few = 16

  mutating func append(_ index: Int) {
    if indices.count >= Self.limit { environments[indices.removeFirst()] = nil }
    indices.append(index)
  }

  mutating func remove(where isOver: (Int) -> Bool) {
    guard indices.contains(where: isOver) else { return }
    for index in indices where isOver(index) { environments[index] = nil }
    indices.removeAll(where: isOver)
  }

  mutating func removeAll() {
    indices.removeAll(keepingCapacity: true)
    environments = [:]
  }
}

/// The deploys that may form releases, with the list to which each belongs.
private struct CountedDeploys {
  private var numbers: [Int32] = []
  /// The place of the list of each deploy in `counts`.
  private var places: [Int32] = []
  private var counts: [Int] = []
  private var placeOfList = IDMap(minimumCapacity: 1024)

  /// What forming releases looks at.
  struct Deploy {
    var start: Timestamp
    var end: Timestamp
    var commit: CommitPrefix
    var number: Int32
    var service: FactName
    var environment: FactName
    var repository: FactName
    var step: DeployFactStep
    /// False if `start` is the creation, because nothing tells when it began to run.
    var hasStarted: Bool

    init(_ number: Int32, _ fact: DeployFact) {
      self.number = number
      start = fact.started ?? fact.created
      end = fact.ended ?? .epoch
      commit = fact.commit
      service = fact.target.service
      environment = fact.target.environment
      repository = fact.target.repository
      step = fact.step
      hasStarted = fact.started != nil
    }
  }

  init(capacity: Int) {
    numbers.reserveCapacity(capacity)
    places.reserveCapacity(capacity)
  }

  var count: Int { numbers.count }

  mutating func append(_ number: Int32, list: UInt64) {
    let place = placeOfList.value(of: list, orInsert: Int32(counts.count))
    if Int(place) == counts.count { counts.append(0) }
    counts[Int(place)] += 1
    numbers.append(number)
    places.append(place)
  }

  /// Returns the deploys by list, start, id and attempt, and the end of each list.
  ///
  /// Reads and writes memory in order. A jump for each of a hundred thousand deploys takes longer than all else here.
  func sorted(_ deploys: [DeployFact]) -> (deploys: [Deploy], ends: [Int]) {
    guard let first = numbers.first else { return ([], []) }
    var next: [Int] = []
    var sum = 0
    for count in counts {
      next.append(sum)
      sum += count
    }
    var ordered = [Deploy](repeating: Deploy(first, deploys[Int(first)]), count: numbers.count)
    for (number, place) in zip(numbers, places) {
      ordered[next[Int(place)]] = Deploy(number, deploys[Int(number)])
      next[Int(place)] += 1
    }
    func isBefore(_ left: Deploy, _ right: Deploy) -> Bool {
      if left.start != right.start { return left.start < right.start }
      let (a, b) = (deploys[Int(left.number)], deploys[Int(right.number)])
      return (a.id, a.attempt) < (b.id, b.attempt)
    }
    for (end, count) in zip(next, counts) {
      let list = end - count..<end
      if list.dropFirst().contains(where: { isBefore(ordered[$0], ordered[$0 - 1]) }) { ordered[list].sort(by: isBefore) }
    }
    return (ordered, next)
  }
}
