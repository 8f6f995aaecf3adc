package import APIClient
import PayloadReading
package import ValueStreamCore

/// Lists the pull requests of repositories, last updated first.
package enum GitHubPullRequests {
  package enum State: String, CaseIterable, Sendable {
    case closed = "CLOSED"
    case merged = "MERGED"
    case open = "OPEN"
  }

  /// Creates a source. The period of the selection applies to the merge, the close or, for `open`, the creation.
  ///
  /// - Parameter bots: reviewers that do not count for the first review and the approval.
  package static func source(
    _ api: GitHubAPI, _ selection: GitHubSelection, state: State, columns: ChangeRecord.Columns, bots: Bots = Bots()
  ) -> GitHubRecords {
    let further = """
      isDraft changedFiles headRefName baseRefName labels(first:50){nodes{name}} \
      commits(first:1){totalCount nodes{commit{authoredDate committedDate}}} \
      timelineItems(first:50,itemTypes:[READY_FOR_REVIEW_EVENT,CONVERT_TO_DRAFT_EVENT]){nodes{__typename \
      ... on ReadyForReviewEvent{createdAt} ... on ConvertToDraftEvent{createdAt}}}
      """
    let fields = """
      id number title url state merged createdAt mergedAt closedAt updatedAt additions deletions comments{totalCount} \
      author{login} reviews(first:100){totalCount nodes{author{__typename login} state submittedAt}}
      """
    return GitHubRecords(
      api: api, selection: selection, columns: ChangeRecord.columns(columns), connection: "pullRequests", order: .updated,
      filter: "states:[\(state.rawValue)],", fields: columns == .all ? "\(fields) \(further)" : fields
    ) { node, owner, repository in
      let record = record(node, owner, repository, bots, now: selection.now)
      return GitHubRecords.Record(row: record.row(columns, now: selection.now), time: time(record, state))
    }
  }

  /// Returns the time that the period applies to.
  private static func time(_ record: ChangeRecord, _ state: State) -> Timestamp? {
    switch state {
    case .merged: record.mergedAt
    case .closed: record.closedAt
    case .open: record.createdAt
    }
  }

  private static func record(
    _ node: PayloadObject, _ owner: String, _ name: String, _ bots: Bots, now: Timestamp
  ) -> ChangeRecord {
    var record = ChangeRecord()
    record.owner = owner
    record.repository = name
    record.createdAt = node.time("createdAt")
    record.mergedAt = node.time("mergedAt")
    record.isMerged = node.bool("merged") ?? (record.mergedAt != nil)
    record.closedAt = node.time("closedAt")
    record.updatedAt = node.time("updatedAt")
    record.comments = node.object("comments")?.int("totalCount")
    record.additions = node.int("additions")
    record.deletions = node.int("deletions")
    record.id = node.identifier() ?? ""
    record.author = node.object("author")?.text("login") ?? ""
    record.url = node.text("url") ?? ""
    record.title = node.text("title") ?? ""
    let reviews = node.nodes("reviews")
    for login in reviews.compactMap({ $0.object("author")?.text("login") }) where login != record.author {
      if !record.reviewers.contains(login) { record.reviewers.append(login) }
    }
    addFurther(to: &record, node, reviews, bots, now: now)
    return record
  }

  private static func addFurther(
    to record: inout ChangeRecord, _ node: PayloadObject, _ reviews: [PayloadObject], _ bots: Bots, now: Timestamp
  ) {
    record.number = node.int("number")
    record.state = node.text("state") ?? ""
    record.isDraft = node.bool("isDraft") ?? false
    let others = reviews.filter { review in
      let (author, type) = (review.object("author")?.text("login"), review.object("author")?.text("__typename"))
      return (author != record.author || record.author.isEmpty) && !bots.isBot(author, type: type)
    }
    record.firstReviewAt = others.compactMap { $0.time("submittedAt") }.min()
    record.approvedAt = others.filter { $0.text("state") == "APPROVED" }.compactMap { $0.time("submittedAt") }.min()
    record.reviews = node.object("reviews")?.int("totalCount")
    record.changedFiles = node.int("changedFiles")
    let commits = node.object("commits")
    record.commits = commits?.int("totalCount")
    let first = commits?.objects("nodes").first?.object("commit")
    record.firstCommitAt = first?.time("authoredDate") ?? first?.time("committedDate")
    record.headBranch = node.text("headRefName") ?? ""
    record.baseBranch = node.text("baseRefName") ?? ""
    record.labels = node.nodes("labels").compactMap { $0.text("name") }
    let turns = node.nodes("timelineItems").compactMap { item in
      item.time("createdAt").map { DraftTurn(time: $0, isReady: item.text("__typename") == "ReadyForReviewEvent") }
    }
    record.readyAt = turns.filter(\.isReady).map(\.time).max()
    record.draftSeconds = record.createdAt.map {
      DraftTurn.draftSeconds(turns, from: $0, to: record.end(now: now), isDraftAtEnd: record.isDraft)
    }
  }
}

/// A time at which a pull request became a draft or became ready.
struct DraftTurn {
  var time: Timestamp
  var isReady: Bool

  /// Returns the seconds as a draft.
  ///
  /// If there are turns, the first one shows whether the pull request began as a draft. Otherwise its final state does.
  static func draftSeconds(_ turns: [DraftTurn], from start: Timestamp, to end: Timestamp, isDraftAtEnd: Bool) -> Double {
    let turns = turns.sorted { $0.time < $1.time }
    var stretches: [DraftTime.Stretch] = turns.first?.isReady ?? isDraftAtEnd ? [(start, nil)] : []
    for turn in turns {
      if let last = stretches.indices.last, stretches[last].end == nil { stretches[last].end = turn.time }
      if !turn.isReady { stretches.append((turn.time, nil)) }
    }
    return DraftTime.seconds(stretches, from: start, to: end)
  }
}
