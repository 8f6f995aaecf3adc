import ValueStreamCore

/// The ordinary work of a repository: its changes with their reviews, direct pushes, dependency updates and issues.
extension YearPlan {
  func planOrdinaryWork() {
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

  func commit(_ title: String, at time: Timestamp) -> YearCommit {
    YearCommit(sha: random.sha(), time: Timestamp(seconds: time.seconds), title: title)
  }

  func person(besides other: String? = nil) -> String {
    random.pick(repository.people.filter { $0 != other }) ?? repository.people[0]
  }

  func title() -> String {
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

  /// Plans a change that waits for its first review at the end of a history, on whatever day it ends.
  func planWaitingWork() {
    let begin = worked(after: until.after(-Double(6 + number % 5) * 86_400), seconds: 3600)
    guard begin.seconds(since: start) > 7 * 86_400 else { return }
    let (author, title) = (person(), title())
    let issue = planIssue(for: title, startedAt: begin, by: author)
    let number = takeNumber()
    let change = YearChange(
      kind: .ordinary, number: number, title: title, branch: branch(of: title, number: number, issue: issue), author: author,
      opened: worked(after: begin, seconds: 7200))
    change.issue = issue
    change.first = [commit(title, at: begin)]
    change.lines = 240
    issue.reviewed = change.opened
    add(change)
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

  func branch(of title: String, number: Int, issue: YearIssue?) -> String {
    let slug = title.lowercased().split { !$0.isLetter }.prefix(4).joined(separator: "-")
    guard let issue else { return "\(slug)-\(number)" }
    if case .jira(let project) = repository.tracker { return "\(project)-\(issue.number)-\(slug)" }
    return "issue-\(issue.number)-\(slug)"
  }

  func between(_ first: Timestamp, _ last: Timestamp) -> Timestamp {
    Timestamp(seconds: first.after(max(0, last.seconds(since: first)) * random.between(0.1, 0.9)).seconds)
  }

  func add(_ change: YearChange) {
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
  func index(after time: Timestamp) -> Int {
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
}
