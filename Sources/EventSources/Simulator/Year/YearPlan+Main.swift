import ValueStreamCore

/// The commits on the main branch, and the runs of the pipeline.
extension YearPlan {
  /// Gives each change its commits on main, and each release its commit.
  func settleMain() {
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

  func landed(of change: YearChange, at merged: Timestamp) -> [YearCommit] {
    let all = change.first + change.later
    if change.isDirect { return all }
    switch repository.mergeMethod {
    case .squash: return [commit("\(change.title) (#\(change.number))", at: merged)]
    case .rebase: return all.map { YearCommit(sha: random.sha(), time: $0.time, title: $0.title) }
    case .merge: return all + [commit("Merge branch '\(change.branch)' into 'main'", at: merged)]
    }
  }

  func planRuns() {
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
