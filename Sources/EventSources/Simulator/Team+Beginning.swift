import ValueStreamCore

extension Team {
  /// Plans the recurring work from the start of the history.
  func begin() {
    for repository in repositories {
      planIssue(in: repository, isFirst: true)
      planOtherChange(in: repository, isFirst: true)
      planUpdate(in: repository)
      if repository.plan.hasEnvironments { planDailyDeploy(of: repository) }
      if repository.plan.hasReleases { planRelease(of: repository) }
    }
    // Early enough that a history of two weeks has an incident, late enough that there is a deploy to roll back to.
    let length = configuration.until.seconds(since: configuration.start)
    nextTrouble = configuration.start.after(min(length, 14 * 86_400) * random.between(0.35, 0.5))
  }

  /// The seconds of work in a week.
  private static let week = 5 * 8 * 3600.0

  /// Plans a step that a person does so many times a week on average; `step` plans the next one itself.
  private func plan(_ timesAWeek: Double, by person: Person, isFirst: Bool = false, _ step: @escaping Step) {
    let mean = Self.week / (timesAWeek * configuration.activity)
    let work = isFirst ? random.between(60, min(mean / 3, Self.week)) : random.exponential(mean: mean)
    at(person.spanEvent(after: now, work: work), step)
  }

  func planIssue(in repository: Repository, isFirst: Bool = false) {
    guard let author = member(of: repository) else { return }
    plan(repository.plan.issues, by: author, isFirst: isFirst) { team in
      if team.random.chance(0.035) {
        team.openEpic(in: repository, by: author)
      } else {
        team.openIssue(in: repository, by: author)
      }
      team.planIssue(in: repository)
    }
  }

  func planOtherChange(in repository: Repository, isFirst: Bool = false) {
    guard let author = member(of: repository) else { return }
    plan(repository.plan.otherChanges, by: author, isFirst: isFirst) { team in
      let title = team.choreTitle(in: repository)
      team.beginChange(in: repository, by: author, for: nil, title: title)
      team.planOtherChange(in: repository)
    }
  }

  func planUpdate(in repository: Repository) {
    // The bot has no working hours. It runs early in the morning and skips weekends.
    let days = random.exponential(mean: 5 / (repository.plan.updates * configuration.activity))
    let time = Timestamp.midnight(of: now.after((0.5 + days) * 86_400).day).after(random.between(4.5, 5.5) * 3600)
    at(time) { team in
      let weekday = Timestamp.weekday(of: time.day)
      if weekday != 0, weekday != 6 { team.openUpdate(in: repository) }
      team.planUpdate(in: repository)
    }
  }
}
