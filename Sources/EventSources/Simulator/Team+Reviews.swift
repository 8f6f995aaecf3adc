import ValueStreamCore

extension Team {
  func askForReview(of change: PullRequest) {
    guard let reviewer = change.isUrgent ? caretaker : member(of: change.repository, besides: change.owner) else { return }
    // Some pull requests are abandoned after their first review.
    let isDoomed = !change.isUrgent && random.chance(0.09)
    after(random.between(20, change.isUrgent ? 60 : 180)) { team in
      team.request(reviewer, for: change)
      let look: Step = { $0.firstLook(at: change, by: reviewer, isDoomed: isDoomed) }
      if change.isUrgent {
        team.after(team.random.between(200, 700), look)
      } else {
        team.whenDone(reviewer, median: reviewer.habits.reviewHours * 3600, spread: 0.8, look)
      }
    }
  }

  private func request(_ reviewer: Person, for change: PullRequest) {
    guard change.isOpen, !change.isDraft else { return }
    if !change.requested.contains(where: { $0 === reviewer }) { change.requested.append(reviewer) }
    send(change, "review_requested", by: change.owner.account) { $0.account("requested_reviewer", reviewer.account) }
  }

  private func firstLook(at change: PullRequest, by reviewer: Person, isDoomed: Bool) {
    guard change.isOpen, !change.isDraft, !change.isApproved else { return }
    if isDoomed {
      review(change, by: reviewer, "commented")
      whenDone(change.owner, median: 4 * 3600) { $0.abandon(change) }
    } else if !change.isUrgent, random.chance(reviewer.habits.strictness) {
      review(change, by: reviewer, "changes_requested")
      answer(reviewer, in: change)
    } else if !change.isUrgent, random.chance(0.15) {
      review(change, by: reviewer, "commented")
      whenDone(change.owner, median: 1200) { $0.comment(on: change, by: change.owner) }
      whenDone(reviewer, median: 4000) { $0.review(change, by: reviewer, "approved") }
    } else {
      review(change, by: reviewer, "approved")
    }
  }

  /// Lets the author address the review, and the reviewer review again.
  private func answer(_ reviewer: Person, in change: PullRequest) {
    whenDone(change.owner, median: 4000) { team in
      guard change.isOpen else { return }
      team.pushMore(to: change, team.random.pick("Do as reviewed", "Use the shorter form", "Cover the edge case", "Rename"))
      team.after(team.random.between(30, 240)) { team in
        team.request(reviewer, for: change)
        team.whenDone(reviewer, median: reviewer.habits.reviewHours * 1600) { team in
          guard change.isOpen, !change.isApproved else { return }
          if team.random.chance(0.15) {
            team.review(change, by: reviewer, "changes_requested")
            team.answer(reviewer, in: change)
          } else {
            team.review(change, by: reviewer, "approved")
          }
        }
      }
    }
  }

  /// Submits a review.
  ///
  /// - Parameter state: `approved`, `changes_requested` or `commented`.
  func review(_ change: PullRequest, by reviewer: Person, _ state: String) {
    guard change.isOpen else { return }
    change.requested.removeAll { $0 === reviewer }
    if state != "approved" { change.reviewComments += 1 + random.below(4) }
    change.updatedAt = now
    let id = newID(.review)
    let text =
      state == "approved" ? random.pick("", "Nice.", "Ship it.") : random.pick("A few remarks.", "Not sure about the names.")
    send("pull_request_review", "submitted", of: change.repository, by: reviewer.account) { json in
      json.object("review") { json in
        json.member("id", id)
        json.nodeID("PRR", id)
        json.account("user", reviewer.account)
        json.member("body", text.isEmpty ? nil : text)
        json.member("commit_id", change.headSHA)
        json.time("submitted_at", now)
        json.member("state", state)
        json.member("html_url", "\(change.web)#pullrequestreview-\(id)")
        json.member("pull_request_url", change.api)
        json.member("author_association", "MEMBER")
      }
      json.name("pull_request")
      json.pullRequest(change)
    }
    if state == "approved" {
      change.isApproved = true
      mergeIfReady(change)
    }
  }
}
