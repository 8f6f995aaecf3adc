import ValueStreamCore

/// The releases of the services, what goes wrong with them, and how it is remedied; incidents with and without a release.
extension YearPlan {
  func planReleases(of service: Int) {
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

  func release(of service: Int, at time: Timestamp, head: Timestamp, mayFail: Bool) -> YearRelease {
    let plan = repository.services[service]
    let release = YearRelease(service: service, headTime: head)
    if let staging = plan.staging {
      // Not before what it tries was merged.
      let tried = max(time.after(-random.between(900, 1500)), head.after(20))
      release.staging = deploy(to: staging, at: tried, minutes: 3)
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
  func planOutages() {
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
}
