import ValueStreamCore

/// Simulates a deploy that breaks production, and its repair.
extension Team {
  func trouble(in repository: Repository) {
    guard repository.incident == nil, let caretaker else { return }
    after(random.between(360, 1200)) { team in
      let part = team.random.pick("Checkout", "Payment page", "Search")
      let issue = team.open(
        .bug,
        title: "\(part) answers 500 for \(team.random.pick("one customer in five", "all new customers", "mobile browsers"))",
        labels: ["incident", "bug"], in: repository, by: caretaker)
      repository.incident = Incident(issue: issue)
      team.after(team.random.between(60, 240)) { $0.assign(issue, to: caretaker) }
      team.after(team.random.between(240, 500)) { $0.comment(on: issue, by: caretaker) }
      team.after(team.random.between(300, 900)) { $0.rollBack(repository, by: caretaker) }
      if let author = team.person("celine") {
        team.beginChange(in: repository, by: author, for: issue, title: issue.title, isUrgent: true)
      }
    }
  }

  /// Restores the previous version by rerunning its deploy.
  private func rollBack(_ repository: Repository, by person: Person) {
    guard let run = repository[target: "production"].previousRun, let deploy = run.deploy, run.isOver,
      repository[target: "production"].busy == nil
    else { return }
    deploy.isRollback = true
    deploy.isBad = false
    repository[target: "production"].busy = run
    rerun(run, onlyFailed: false, by: person.account)
  }

  /// Ends the incident, because the fix is in production.
  func fixed(_ incident: Incident, in repository: Repository) {
    guard let caretaker else { return }
    repository.incident = nil
    after(random.between(240, 900)) { $0.close(incident.issue, "completed", by: caretaker.account) }
  }
}
