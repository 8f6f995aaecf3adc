import ValueStreamCore

/// The plan of one repository for a year: its changes, releases, issues and incidents, with all times.
///
/// Deliveries tell of the plan as vendors would, and ``YearAnswers`` counts it. Neither knows the other.
final class YearPlan {
  let repository: YearRepository
  /// The index of the repository, and of its copy in a larger history.
  let number: Int
  let configuration: HistoryConfiguration
  var random: SeededRandom
  private(set) var changes: [YearChange] = []
  /// The merged changes and direct pushes, in the order in which they reached main.
  private(set) var main: [YearChange] = []
  private(set) var releases: [YearRelease] = []
  private(set) var issues: [YearIssue] = []
  private(set) var incidents: [YearIncident] = []
  private(set) var firstHead: YearCommit
  private var numbers: Int
  private var runNumbers = 0
  private var ids: Int64

  /// The names of repository and services, which differ from copy to copy.
  let fullName: String
  let serviceNames: [String]

  init(_ repository: YearRepository, number: Int, copy: Int, configuration: HistoryConfiguration) {
    self.repository = repository
    self.number = number
    self.configuration = configuration
    var random = SeededRandom(seed: configuration.seed &* 0x9e37_79b9_7f4a_7c15 &+ UInt64(number) &+ 7)
    let suffix = copy == 0 ? "" : "-\(copy + 1)"
    fullName = repository.name + suffix
    serviceNames = repository.services.map { $0.name + suffix }
    numbers = 200 + random.below(800)
    ids = 400_000_000 + Int64(random.below(60_000_000)) + Int64(number) * 40_000_000
    firstHead = YearCommit(sha: random.sha(), time: configuration.start.after(-7200), title: "What was before")
    self.random = random
    planOrdinaryWork()
    for service in repository.services.indices { planReleases(of: service) }
    planOutages()
    settleMain()
    planRuns()
  }

  func takeNumber() -> Int {
    numbers += 1
    return numbers
  }

  func takeID() -> Int64 {
    ids += 1 + Int64(random.below(4))
    return ids
  }

  // MARK: Time

  private var start: Timestamp { configuration.start }
  var until: Timestamp { configuration.until }

  /// The share of the history that has passed.
  private func share(at time: Timestamp) -> Double {
    time.seconds(since: start) / max(until.seconds(since: start), 1)
  }

  /// True in the third quarter of the history, in which everything takes longer and breaks more often.
  func isBadQuarter(_ time: Timestamp) -> Bool { (0.5..<0.75).contains(share(at: time)) }

  private static let dayStart = 8.0 * 3600
  private static let dayEnd = 17.0 * 3600

  /// Returns when somebody who works from 8 to 17 on weekdays, in UTC, has done an amount of work, in whole seconds.
  func worked(after time: Timestamp, seconds: Double) -> Timestamp {
    var (now, rest) = (time, max(seconds, 0))
    for _ in 0..<400 {
      let midnight = Timestamp.midnight(of: now.day)
      let second = now.seconds(since: midnight)
      let isWorkday = !Self.weekend.contains(Timestamp.weekday(of: now.day))
      if !isWorkday || second >= Self.dayEnd {
        now = Timestamp.midnight(of: now.day + 1).after(Self.dayStart)
        continue
      }
      if second < Self.dayStart { now = midnight.after(Self.dayStart) }
      let left = Self.dayEnd - now.seconds(since: midnight)
      if rest <= left { return Timestamp(seconds: now.after(rest).seconds) }
      rest -= left
      now = Timestamp.midnight(of: now.day + 1).after(Self.dayStart)
    }
    return Timestamp(seconds: now.seconds)
  }

  private static let weekend: Set<Int> = [0, 6]

  /// Calls a closure for each day of the history.
  private func forEachDay(_ body: (Int64) -> Void) {
    for day in start.day...max(start.day, until.day) { body(day) }
  }

  /// Returns how often something happens on a day on which it happens so many times on average.
  private func draw(_ mean: Double) -> Int {
    var count = 0
    var time = random.exponential(mean: 1)
    while time < mean, count < 200 {
      count += 1
      time += random.exponential(mean: 1)
    }
    return count
  }

  // MARK: Ordinary work

  private func planOrdinaryWork() {
    let activity = configuration.activity
    forEachDay { day in
      let midnight = Timestamp.midnight(of: day)
      guard !Self.weekend.contains(Timestamp.weekday(of: day)) else { return }
      // Fewer people are there between Christmas and the new year, and in the bad quarter they get less done.
      let share = isBadQuarter(midnight) ? 0.7 : 1
      for _ in 0..<draw(repository.changes * activity * share) {
        planChange(from: midnight.after(random.between(8, 16.5) * 3600))
      }
      for _ in 0..<draw(repository.directPushes * activity) {
        planDirectPush(at: Timestamp(seconds: midnight.after(random.between(8.5, 16.5) * 3600).seconds))
      }
      for _ in 0..<draw(repository.updates * activity) {
        planUpdate(at: midnight.after(random.between(4, 5.5) * 3600))
      }
      if random.chance(min(0.5, repository.changes * activity * 0.12)) {
        planIdleIssue(at: Timestamp(seconds: midnight.after(random.between(8, 16.5) * 3600).seconds))
      }
    }
  }

  private func commit(_ title: String, at time: Timestamp) -> YearCommit {
    YearCommit(sha: random.sha(), time: Timestamp(seconds: time.seconds), title: title)
  }

  private func person(besides other: String? = nil) -> String {
    random.pick(repository.people.filter { $0 != other }) ?? repository.people[0]
  }

  private func title() -> String {
    let part = random.pick(repository.parts) ?? "page"
    return random.pick(
      "Show more in the \(part)", "Make the \(part) faster", "Fix the \(part) for empty input", "Simplify the \(part)",
      "Test the \(part)", "Log errors of the \(part)")
  }

  /// Plans a change whose first commit is at a time.
  private func planChange(from begin: Timestamp) {
    guard begin > start, begin < until else { return }
    let author = person()
    let title = title()
    let issue = random.chance(0.65) ? planIssue(for: title, startedAt: begin, by: author) : nil
    let slow = isBadQuarter(begin) ? 2.4 : 1.0
    let firstTime = worked(after: begin, seconds: 0)
    let opened = worked(after: firstTime, seconds: random.logNormal(median: 5400 * slow, spread: 1))
    let number = takeNumber()
    let change = YearChange(
      kind: .ordinary, number: number, title: title, branch: branch(of: title, number: number, issue: issue), author: author,
      opened: Timestamp(seconds: opened.seconds))
    change.issue = issue
    change.first = [commit(title, at: firstTime)]
    if random.chance(0.4) { change.first.append(commit("More of: \(title)", at: between(firstTime, opened))) }
    change.lines = Int(random.logNormal(median: 60, spread: 1.1)) + 1
    if random.chance(0.15) { change.ready = worked(after: opened, seconds: random.logNormal(median: 7200, spread: 0.7)) }
    planReviews(of: change, slow: slow)
    add(change)
    guard let issue else { return }
    issue.reviewed = change.opened
    if let merged = change.merged { issue.done = Timestamp(seconds: merged.after(random.between(300, 7200)).seconds) }
    if let abandoned = change.abandoned {
      issue.done = Timestamp(seconds: abandoned.after(900).seconds)
      issue.isNotPlanned = true
    }
    if let opened = issue.started, random.chance(0.08), change.opened.seconds(since: opened) > 7200 {
      let from = between(opened, change.opened)
      issue.blocked = (from, between(from, change.opened))
    }
  }

  /// Plans the reviews of a change, and its end.
  private func planReviews(of change: YearChange, slow: Double) {
    let reviewer = person(besides: change.author)
    var time = worked(after: change.ready, seconds: random.logNormal(median: 5400 * slow, spread: 1.1))
    if random.chance(0.06) {
      change.reviews.append(YearReview(time: time, reviewer: reviewer, state: "commented"))
      change.abandoned = worked(after: time, seconds: random.logNormal(median: 14_400, spread: 0.8))
      return
    }
    if random.chance(0.05) {
      // Merged without review.
      change.merged = worked(after: change.ready, seconds: random.logNormal(median: 3600, spread: 1))
      return
    }
    if random.chance(0.5) {
      // Questions first.
      change.reviews.append(YearReview(time: time, reviewer: reviewer, state: "commented"))
      time = worked(after: time.after(60), seconds: random.logNormal(median: 2400 * slow, spread: 0.9))
    }
    while random.chance(0.3), change.later.count < 4 {
      change.reviews.append(YearReview(time: time, reviewer: reviewer, state: "changes_requested"))
      let push = worked(after: time, seconds: random.logNormal(median: 4000, spread: 0.8))
      change.later.append(commit("Do as reviewed", at: push))
      time = worked(after: push.after(60), seconds: random.logNormal(median: 3000 * slow, spread: 0.9))
    }
    change.reviews.append(YearReview(time: time, reviewer: reviewer, state: "approved"))
    change.merged = worked(after: time.after(30), seconds: random.logNormal(median: 1200 * slow, spread: 1))
  }

  private func planUpdate(at time: Timestamp) {
    guard time > start, time < until else { return }
    let number = takeNumber()
    let package = random.pick("zlib", "openssl", "otel", "vite", "pgx")
    let title = "Update dependency \(package) to \(1 + random.below(9)).\(random.below(30))"
    let change = YearChange(
      kind: .update, number: number, title: title, branch: "updates/\(number)", author: "harbour-updates[bot]",
      opened: Timestamp(seconds: time.after(20).seconds))
    change.first = [commit(title, at: time)]
    change.lines = 2
    let approved = worked(after: time, seconds: random.logNormal(median: 9000, spread: 1))
    change.reviews = [YearReview(time: approved, reviewer: person(), state: "approved")]
    change.merged = approved.after(random.between(30, 600))
    add(change)
  }

  private func planDirectPush(at time: Timestamp) {
    guard time > start, time < until else { return }
    let title = title()
    let change = YearChange(kind: .direct, number: 0, title: title, branch: "main", author: person(), opened: time)
    change.first = [commit(title, at: time.after(-random.between(60, 5400)))]
    if random.chance(0.3) { change.first.append(commit("And the test of it", at: time.after(-30))) }
    change.merged = time
    change.lines = 20
    add(change)
  }

  private func planIssue(for title: String, startedAt begin: Timestamp, by author: String) -> YearIssue {
    let created = begin.after(-random.logNormal(median: 3 * 86_400, spread: 1))
    let type = random.pick("Bug", "Story", "Story", "Task")
    let issue = YearIssue(
      number: takeNumber(), title: title, type: type, author: person(),
      created: max(Timestamp(seconds: created.seconds), start.after(60)))
    issue.started = max(Timestamp(seconds: begin.seconds), issue.created.after(30))
    issue.assignee = author
    issues.append(issue)
    return issue
  }

  /// Plans an issue without a change: one that waits, is dropped, or is done without code.
  private func planIdleIssue(at time: Timestamp) {
    guard time > start, time < until else { return }
    let issue = YearIssue(number: takeNumber(), title: title(), type: random.pick("Bug", "Task"), author: person(), created: time)
    let fate = random.unit()
    let later = worked(after: time, seconds: random.logNormal(median: 60 * 3600, spread: 0.9))
    if fate < 0.4 {
      issue.done = later
      issue.isNotPlanned = true
    } else if fate < 0.8 {
      issue.started = between(time, later)
      issue.assignee = person()
      issue.done = later
    }
    issues.append(issue)
  }

  private func branch(of title: String, number: Int, issue: YearIssue?) -> String {
    let slug = title.lowercased().split { !$0.isLetter }.prefix(4).joined(separator: "-")
    guard let issue else { return "\(slug)-\(number)" }
    if case .jira(let project) = repository.tracker { return "\(project)-\(issue.number)-\(slug)" }
    return "issue-\(issue.number)-\(slug)"
  }

  private func between(_ first: Timestamp, _ last: Timestamp) -> Timestamp {
    Timestamp(seconds: first.after(max(0, last.seconds(since: first)) * random.between(0.1, 0.9)).seconds)
  }

  private func add(_ change: YearChange) {
    changes.append(change)
    guard let merged = change.merged else { return }
    // Two pushes to main at one time would have no order.
    var time = Timestamp(seconds: merged.seconds)
    var place = index(after: time)
    while place > 0, let before = main[place - 1].merged, before >= time {
      time = before.after(2)
      place = index(after: time)
    }
    change.merged = time
    main.insert(change, at: place)
  }

  /// Returns the number of changes on main up to a time.
  private func index(after time: Timestamp) -> Int {
    var (low, high) = (0, main.count)
    while low < high {
      let middle = (low + high) / 2
      if let merged = main[middle].merged, merged <= time { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Returns the changes that reached main after a time, up to another.
  func landed(after first: Timestamp, upTo last: Timestamp) -> ArraySlice<YearChange> {
    let (low, high) = (index(after: first), index(after: last))
    return main[min(low, high)..<high]
  }

  // MARK: Releases

  private func planReleases(of service: Int) {
    let plan = repository.services[service]
    var current: YearRelease?
    var free = start
    // A release whose damage is noticed only after the next one, and the release before it.
    var unnoticed: (bad: YearRelease, good: YearRelease)?
    forEachDay { day in
      guard plan.weekdays.contains(Timestamp.weekday(of: day)) else { return }
      for hour in plan.hours {
        let slot = Timestamp.midnight(of: day).after(hour * 3600 + random.between(0, 2400))
        guard slot > free, slot > start, slot < until.after(-1800) else { continue }
        let isBadQuarter = isBadQuarter(slot)
        if isBadQuarter, random.chance(0.4) { continue }
        let head = slot.after(-300)
        let news = landed(after: current?.headTime ?? start, upTo: head)
        guard !news.isEmpty else { continue }
        let release = release(of: service, at: slot, head: head, mayFail: true)
        free = release.lastEnd.after(900)
        let previous = current
        current = release
        if let late = unnoticed {
          unnoticed = nil
          let back = rollBack(to: late.good, from: [late.bad, release], at: release.lastEnd.after(random.between(1200, 3600)))
          late.bad.isBad = true
          late.bad.remediedBy = back
          current = back
          free = back.lastEnd.after(900)
          continue
        }
        // Only a release that is not the first and had no failed attempt breaks production, so that its causes are clear.
        guard let previous, release.deploys.allSatisfy(\.isSuccess), random.chance(plan.badShare * (isBadQuarter ? 3 : 1)) else {
          continue
        }
        if random.chance(0.1), slot.seconds(since: previous.end) < 4 * 86_400, isNextSlotSoon(after: slot, plan) {
          unnoticed = (release, previous)
          continue
        }
        let remedy = remedy(of: release, previous: previous, news: Array(news))
        if let remedy { current = remedy }
        free = max(free, (remedy?.lastEnd ?? release.lastEnd).after(900), release.incident?.resolved?.after(900) ?? free)
      }
    }
  }

  /// True if the next release can start within three days, so that it is near enough to be told from others.
  private func isNextSlotSoon(after time: Timestamp, _ plan: YearService) -> Bool {
    (1...3).contains { plan.weekdays.contains(Timestamp.weekday(of: time.day + $0)) } && !isBadQuarter(time)
  }

  private func release(of service: Int, at time: Timestamp, head: Timestamp, mayFail: Bool) -> YearRelease {
    let plan = repository.services[service]
    let release = YearRelease(service: service, headTime: head)
    if let staging = plan.staging {
      release.staging = deploy(to: staging, at: time.after(-random.between(900, 1500)), minutes: 3)
    }
    var next = time
    for environment in plan.environments {
      if mayFail, random.chance(isBadQuarter(time) ? 0.08 : 0.03) {
        var failed = deploy(to: environment, at: next, minutes: 3)
        failed.isSuccess = false
        release.deploys.append(failed)
        next = failed.ended.after(random.between(300, 900))
      }
      let deploy = deploy(to: environment, at: next, minutes: 5)
      release.deploys.append(deploy)
      next = deploy.ended.after(random.between(300, 900))
    }
    releases.append(release)
    return release
  }

  private func deploy(to environment: String, at time: Timestamp, minutes: Double) -> YearDeploy {
    let created = Timestamp(seconds: time.seconds)
    let started = Timestamp(seconds: created.after(random.between(5, 90)).seconds)
    let ended = Timestamp(seconds: started.after(random.logNormal(median: minutes * 60, spread: 0.3)).seconds)
    return YearDeploy(id: takeID(), environment: environment, created: created, started: started, ended: ended)
  }

  private func rollBack(to good: YearRelease, from bad: [YearRelease], at time: Timestamp) -> YearRelease {
    let release = release(of: good.service, at: time, head: good.headTime, mayFail: false)
    release.staging = nil
    release.takesBack = bad
    release.remedy = .rollback
    return release
  }

  /// Plans how a release that broke production is repaired.
  ///
  /// - Returns: The release that repairs it; nil if the incident is resolved without one.
  private func remedy(of release: YearRelease, previous: YearRelease, news: [YearChange]) -> YearRelease? {
    release.isBad = true
    let noticed = release.lastEnd.after(random.logNormal(median: 2400, spread: 0.6))
    let draw = random.unit()
    let original = news.last { !$0.isDirect && !$0.isUpdate && $0.reverted == nil && !$0.isHotfix }
    if draw < 0.12 {
      let incident = incident(of: release, at: noticed)
      incident.resolved = Timestamp(seconds: noticed.after(random.logNormal(median: 5400, spread: 0.7)).seconds)
      incident.issue?.done = incident.resolved
      return nil
    }
    let remedy: YearRelease
    if draw < 0.5 || repository.isShared {
      if random.chance(0.6) { _ = incident(of: release, at: noticed) }
      remedy = rollBack(to: previous, from: [release], at: noticed.after(random.between(600, 2400)))
    } else {
      let isRevert = draw < 0.72 && original != nil
      if random.chance(isRevert ? 0.4 : 0.85) { _ = incident(of: release, at: noticed) }
      let fix = fix(original: isRevert ? original : nil, after: noticed, incident: release.incident)
      let merged = fix.merged ?? noticed
      remedy = self.release(
        of: release.service, at: merged.after(random.between(120, 600)), head: merged.after(30), mayFail: false)
      remedy.remedy = isRevert ? .revert : .hotfix
    }
    release.remediedBy = remedy
    if let incident = release.incident {
      // Some incidents are over before the repair is released, because somebody switched a feature off.
      let isEarly = random.chance(0.25)
      incident.resolved =
        isEarly
        ? between(incident.began, remedy.end) : Timestamp(seconds: remedy.end.after(random.between(300, 2400)).seconds)
      incident.issue?.done = incident.resolved
    }
    return remedy
  }

  /// Plans the change that repairs production: a revert of a change, or a hotfix.
  private func fix(original: YearChange?, after noticed: Timestamp, incident: YearIncident?) -> YearChange {
    let number = takeNumber()
    let author = person()
    let part = random.pick(repository.parts) ?? "page"
    let title = original.map { "Revert \"\($0.title)\"" } ?? "Hotfix: repair the \(part)"
    let begin = noticed.after(random.between(600, 2400))
    let change = YearChange(
      kind: original.map { .revert(of: $0) } ?? .hotfix, number: number, title: title,
      branch: original.map { "revert-\($0.number)-\($0.branch)" } ?? "hotfix/\(part.replacing(" ", with: "-"))-\(number)",
      author: author, opened: Timestamp(seconds: begin.after(random.between(120, 600)).seconds))
    change.first = [commit(title, at: begin)]
    change.lines = 12
    if original == nil { change.issue = incident?.issue }
    let approved = Timestamp(seconds: change.opened.after(random.between(300, 1500)).seconds)
    change.reviews = [YearReview(time: approved, reviewer: person(besides: author), state: "approved")]
    change.merged = approved.after(random.between(60, 400))
    add(change)
    return change
  }

  // MARK: Incidents

  private func incident(of release: YearRelease, at time: Timestamp) -> YearIncident {
    let part = random.pick(repository.parts) ?? "page"
    let incident = YearIncident(
      service: serviceNames[release.service], number: takeNumber(), title: "Customers cannot use the \(part)",
      began: Timestamp(seconds: time.seconds))
    // The shop reports incidents as issues; for the others the on-call tool does.
    if case .forge = repository.tracker, repository.forge == .gitHub, case .forge = repository.deployer {
      let issue = YearIssue(
        number: incident.number, title: incident.title, type: "Bug", author: person(), created: incident.began, isIncident: true)
      issues.append(issue)
      incident.issue = issue
    }
    release.incident = incident
    incidents.append(incident)
    return incident
  }

  /// Plans incidents that no release caused: the provider fails. They name no service.
  private func planOutages() {
    guard number == 0 else { return }
    forEachDay { day in
      guard random.chance(0.012) else { return }
      let began = Timestamp(seconds: Timestamp.midnight(of: day).seconds + Int64(random.below(86_000)))
      guard began > start else { return }
      let incident = YearIncident(service: nil, number: takeNumber(), title: "The provider of the network fails", began: began)
      incident.resolved = Timestamp(seconds: began.after(random.logNormal(median: 3600, spread: 0.6)).seconds)
      incidents.append(incident)
    }
  }

  // MARK: Main and its runs

  /// Gives each change its commits on main, and each release its commit.
  private func settleMain() {
    var head = firstHead
    for change in main {
      guard let merged = change.merged else { continue }
      change.before = head.sha
      change.landed = landed(of: change, at: merged)
      head = change.landed.last ?? head
    }
    for release in releases {
      let count = index(after: release.headTime)
      release.commit = count > 0 ? main[count - 1].landed.last : firstHead
    }
  }

  private func landed(of change: YearChange, at merged: Timestamp) -> [YearCommit] {
    let all = change.first + change.later
    if change.isDirect { return all }
    switch repository.mergeMethod {
    case .squash: return [commit("\(change.title) (#\(change.number))", at: merged)]
    case .rebase: return all.map { YearCommit(sha: random.sha(), time: $0.time, title: $0.title) }
    case .merge: return all + [commit("Merge branch '\(change.branch)' into 'main'", at: merged)]
    }
  }

  private func planRuns() {
    for change in changes {
      if !change.isDirect {
        for (commit, time) in [(change.first.last, change.opened)] + change.later.map({ ($0, $0.time) }) {
          if let commit { change.runs.append(run(on: commit, branch: change.branch, at: time.after(4), isOfChange: true)) }
        }
      }
      if let merged = change.merged, let head = change.landed.last {
        change.runs.append(run(on: head, branch: "main", at: merged.after(5), isOfChange: false))
      }
    }
  }

  private func run(on commit: YearCommit, branch: String, at time: Timestamp, isOfChange: Bool) -> YearRun {
    let isBadQuarter = isBadQuarter(time)
    runNumbers += 1
    var run = YearRun(
      id: takeID(), number: runNumbers, commit: commit, branch: branch, isOfChange: isOfChange,
      created: Timestamp(seconds: time.seconds), attempts: [])
    // The queue is longest at noon.
    let hour = Double(time.seconds % 86_400) / 3600
    let queue = random.logNormal(median: 12 + max(0, 60 - 12 * abs(hour - 12)), spread: 0.7)
    let isFlaky = random.chance(isBadQuarter ? 0.12 : 0.04)
    let isBroken = !isFlaky && isOfChange && random.chance(0.1)
    var begin = run.created.after(queue)
    for isLast in isFlaky ? [false, true] : [true] {
      let started = Timestamp(seconds: begin.seconds)
      let ended = Timestamp(seconds: begin.after(random.logNormal(median: 420, spread: 0.3)).seconds)
      run.attempts.append((started, ended, isLast && !isBroken))
      begin = ended.after(random.between(120, 900))
    }
    return run
  }
}
