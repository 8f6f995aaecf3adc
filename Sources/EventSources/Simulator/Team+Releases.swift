import ValueStreamCore

/// Simulates releases of the app: a release candidate on Thursdays, the release itself on Tuesdays.
extension Team {
  func planRelease(of repository: Repository) {
    var day = now.day + 1
    while ![2, 4].contains(Timestamp.weekday(of: day)) { day += 1 }
    guard let person = person("esi") else { return }
    at(Timestamp.midnight(of: day).after(random.between(9, 11) * 3600)) { team in
      let isPrerelease = Timestamp.weekday(of: day) == 4
      if isPrerelease { repository.release.minor += 1 }
      let version = "v\(repository.release.major).\(repository.release.minor).0"
      team.tag(repository, isPrerelease ? "\(version)-rc.1" : version, isPrerelease: isPrerelease, by: person.account)
      team.planRelease(of: repository)
    }
  }

  private func tag(_ repository: Repository, _ tag: String, isPrerelease: Bool, by account: Account) {
    // There is no candidate before the first Thursday.
    if !isPrerelease, repository.release.minor == 3 { return }
    let head = repository.main
    createTag(tag, of: repository, at: head, by: account)
    let run = makeRun(
      .release, in: repository, for: .release(Release(tag: tag, isPrerelease: isPrerelease, commit: head)), event: "push",
      head: head, branch: tag, by: account)
    startAttempt(of: run, by: account)
  }

  func releaseEnded(_ run: WorkflowRun, _ release: Release) {
    let repository = run.repository
    guard run.conclusion == .success else {
      return after(random.between(300, 1500)) { $0.rerun(run, onlyFailed: true, by: run.actor) }
    }
    let id = newID(.release)
    items?.releaseTags.append(release.tag)
    for action in ["created", "published", release.isPrerelease ? "prereleased" : "released"] {
      send("release", action, of: repository, by: organization.actions) { json in
        json.object("release") { json in
          json.member("url", "\(repository.api)/releases/\(id)")
          json.member("html_url", "\(repository.web)/releases/tag/\(release.tag)")
          json.member("id", id)
          json.nodeID("RE", id)
          json.account("author", organization.actions)
          json.member("tag_name", release.tag)
          json.member("target_commitish", "main")
          json.member("name", release.tag)
          json.member("draft", false)
          json.member("prerelease", release.isPrerelease)
          // GitHub reports the time of the commit here.
          json.time("created_at", release.commit.time)
          json.time("published_at", now)
          json.array("assets", [String]()) { $0.value($1) }
          json.member("body", "See the changelog.")
        }
      }
    }
  }
}
