import ValueStreamCore

/// Simulates checks of a commit outside GitHub Actions.
extension Team {
  func checkElsewhere(_ commit: Commit, of repository: Repository, branch: String, before: String, changes: [ChangeInRun]) {
    if repository.plan.hasScanner { scan(commit, of: repository, branch: branch, before: before, changes: changes) }
    if let context = repository.plan.outsideCI { testOutside(commit, of: repository, branch: branch, context: context) }
  }

  // MARK: Check runs of an app

  private struct Scan {
    var id: Int64
    var suiteID: Int64
    var commit: Commit
    var branch: String
    var before: String
    var changes: [ChangeInRun]
    var createdAt: Timestamp
    var startedAt: Timestamp
    var completedAt: Timestamp?
    var conclusion: String?
  }

  private func scan(_ commit: Commit, of repository: Repository, branch: String, before: String, changes: [ChangeInRun]) {
    let id = newID(.job)
    let suiteID = newID(.suite)
    let created = now
    after(random.between(2, 6)) { team in
      var scan = Scan(
        id: id, suiteID: suiteID, commit: commit, branch: branch, before: before, changes: changes, createdAt: created,
        startedAt: team.now)
      team.send("check_run", "created", of: repository, by: team.organization.scanner) { json in
        json.name("check_run")
        team.write(scan, of: repository, in: &json)
      }
      team.after(team.random.logNormal(median: 70, spread: 0.4)) { team in
        scan.completedAt = team.now
        scan.conclusion = team.random.chance(0.07) ? "neutral" : team.random.chance(0.02) ? "failure" : "success"
        team.send("check_run", "completed", of: repository, by: team.organization.scanner) { json in
          json.name("check_run")
          team.write(scan, of: repository, in: &json)
        }
        team.send("check_suite", "completed", of: repository, by: team.organization.scanner) { json in
          json.object("check_suite") { json in
            team.writeSuite(scan, of: repository, in: &json)
            json.member("latest_check_runs_count", 1)
            json.headCommit(commit)
          }
        }
      }
    }
  }

  private func write(_ scan: Scan, of repository: Repository, in json: inout JSONWriter) {
    json.object { json in
      json.member("id", scan.id)
      json.nodeID("CR", scan.id)
      json.member("name", "secrets and weak spots")
      json.member("head_sha", scan.commit.sha)
      json.member("external_id", "scan-\(scan.id)")
      json.member("url", "\(repository.api)/check-runs/\(scan.id)")
      json.member("html_url", "\(repository.web)/runs/\(scan.id)")
      json.member("details_url", "https://breakwater.example/scans/\(scan.id)")
      json.member("status", scan.completedAt == nil ? "in_progress" : "completed")
      json.member("conclusion", scan.conclusion)
      json.time("started_at", scan.startedAt)
      json.time("completed_at", scan.completedAt)
      json.object("output") { json in
        json.member(
          "title", scan.conclusion == nil ? nil : scan.conclusion == "success" ? "Nothing found" : "Please look at this")
        json.member("summary", nil)
        json.member("annotations_count", scan.conclusion == "failure" ? 1 : 0)
      }
      json.object("check_suite") { writeSuite(scan, of: repository, in: &$0) }
      writeApp(in: &json)
      json.changes(scan.changes, of: repository)
    }
  }

  private func writeSuite(_ scan: Scan, of repository: Repository, in json: inout JSONWriter) {
    json.member("id", scan.suiteID)
    json.nodeID("CS", scan.suiteID)
    json.member("head_branch", scan.branch)
    json.member("head_sha", scan.commit.sha)
    json.member("status", scan.completedAt == nil ? "in_progress" : "completed")
    json.member("conclusion", scan.conclusion)
    json.member("url", "\(repository.api)/check-suites/\(scan.suiteID)")
    json.member("before", scan.before)
    json.member("after", scan.commit.sha)
    json.changes(scan.changes, of: repository)
    writeApp(in: &json)
    json.time("created_at", scan.createdAt)
    json.time("updated_at", scan.completedAt ?? scan.startedAt)
  }

  private func writeApp(in json: inout JSONWriter) {
    json.object("app") { json in
      json.member("id", 340_000 + organization.offset % 10_000)
      json.member("slug", "breakwater-scan")
      json.member("name", "Breakwater Scan")
      json.member("html_url", "https://github.com/apps/breakwater-scan")
      json.member("external_url", "https://breakwater.example")
    }
  }

  // MARK: Commit statuses

  private func testOutside(_ commit: Commit, of repository: Repository, branch: String, context: String) {
    after(random.between(4, 20)) { team in
      team.sendStatus("pending", "Waiting for devices", commit, of: repository, branch: branch, context: context)
      team.after(team.random.logNormal(median: 16 * 60, spread: 0.3)) { team in
        let isGood = !team.random.chance(0.06)
        team.sendStatus(
          isGood ? "success" : "failure", isGood ? "Passed on 12 devices" : "Failed on 1 of 12 devices", commit, of: repository,
          branch: branch, context: context)
      }
    }
  }

  private func sendStatus(
    _ state: String, _ description: String, _ commit: Commit, of repository: Repository, branch: String, context: String
  ) {
    let id = newID(.status)
    // GitHub writes these times with an offset `+00:00` instead of `Z`.
    let time = "\(now.wholeSeconds.dropLast())+00:00"
    send("status", of: repository, by: organization.deviceFarm) { json in
      json.member("id", id)
      json.member("sha", commit.sha)
      json.member("name", repository.fullName)
      json.member("target_url", "https://tidegate.example/runs/\(commit.sha.prefix(8))")
      json.member("context", context)
      json.member("description", description)
      json.member("state", state)
      json.object("commit") { json in
        json.member("sha", commit.sha)
        json.member("url", "\(repository.api)/commits/\(commit.sha)")
        json.member("html_url", "\(repository.web)/commit/\(commit.sha)")
        json.object("commit") { json in
          json.member("message", commit.message)
          for (role, account) in [("author", commit.author), ("committer", commit.committer)] {
            json.object(role) { json in
              json.member("name", account.name)
              json.member("email", account.email)
              json.time("date", commit.time)
            }
          }
          json.object("tree") { $0.member("sha", commit.tree) }
        }
        json.account("author", commit.author)
        json.account("committer", commit.committer)
      }
      json.array("branches", [branch]) { json, branch in
        json.object { json in
          json.member("name", branch)
          json.object("commit") { $0.member("sha", commit.sha) }
          json.member("protected", branch == "main")
        }
      }
      json.member("created_at", time)
      json.member("updated_at", time)
    }
  }
}
