import DeliveryMetrics
import ValueStreamCore

/// Changes as the list of changes has them.
enum ChangeRows {
  static let states = ["open", "merged", "abandoned"]

  static func name(of state: ChangeState) -> String {
    switch state {
    case .open: "open"
    case .merged: "merged"
    case .abandoned: "abandoned"
    }
  }

  static func milestones<Value>(_ times: @escaping @Sendable (Value) -> ChangeMilestones) -> [ReportField<Value>] {
    [
      .time("first_commit", "The time of the first commit.") { times($0).firstCommit },
      .time("opened", "When the change was opened, or pushed.") { times($0).opened },
      .time("ready", "When it was first ready for review.") { times($0).ready },
      .time("first_response", "The first response by a person other than the author.") { times($0).firstResponse },
      .time("last_approval", "The last approval before the merge.") { times($0).lastApproval },
      .time("merged", "When it was merged, or pushed.") { times($0).merged },
    ]
  }

  /// The traits of a change in words.
  static func traits(_ traits: ChangeLabels.Traits) -> [String] {
    names.filter { traits.contains($0.trait) }.map(\.name)
  }

  private static let names: [(trait: ChangeLabels.Traits, name: String)] = [
    (.isByBot, "by_bot"), (.isDraft, "draft"), (.isDirect, "direct"), (.isRevert, "revert"), (.isCherryPick, "cherry_pick"),
    (.isBackMerge, "back_merge"), (.isHotfix, "hotfix"), (.isForIncident, "for_incident"),
    (.isOpeningUnknown, "opening_unknown"), (.isClosingUnknown, "closing_unknown"), (.isImported, "imported"),
  ]

  static let rows = ReportRows<Named<ChangeRow>>(
    Named.subjectFields { $0.change } + [
      ReportField("state", .text(choices: states), "Its state.") { .text(name(of: $0.row.state)) },
      .text("repository", "Its repository.") { $0.row.repository },
      .text("work_type", "The type of the issue that it is for.") { $0.row.workType },
    ] + milestones { $0.row.times } + [
      .time("abandoned", "When it was closed without a merge.") { $0.row.abandoned },
      .texts("traits", "Such as direct, revert, hotfix or by_bot.") { traits($0.row.traits) },
      .text("reverts", "The key of the change that it reverts.") { $0.key(of: $0.row.reverts) },
      .optionalInteger("lines", "Added plus removed lines.") { $0.row.size.map(Int.init) },
      .text("size_class", "The class of its size.", choices: SizeClass.allCases.map(\.rawValue)) { $0.row.sizeClass?.rawValue },
      .integer("review_rounds", "Blocking reviews that a commit followed.") { $0.row.reviewRounds },
      .time("released", "The end of its first release to production.") { $0.row.released },
      .text("released_by", "The key of the deploy.") { $0.key(of: $0.row.releasedBy) },
      .number("lead_time_seconds", "Its lead time.") { $0.row.leadTimeSeconds },
      .text("exclusion", "Why a person left it out of all numbers.") { $0.row.exclusion },
    ])

  static let counts = ReportRows<ChangesReport.Counts>([
    .integer("merged", "Merged in the window.") { $0.merged },
    .integer("abandoned", "Closed in the window without a merge.") { $0.abandoned },
    .integer("open", "Open at the end of the window.") { $0.open },
    .integer("by_bots", "Of the merged ones: by bots.") { $0.byBots },
    .integer("direct", "Pushed without a request.") { $0.direct },
    .integer("reverts", "Reverts.") { $0.reverts },
    .integer("cherry_picks", "Copies of changes that another branch had before.") { $0.cherryPicks },
    .integer("back_merges", "Merges of one long-lived branch to another.") { $0.backMerges },
    .integer("hotfixes", "Hotfixes.") { $0.hotfixes },
    .integer("for_incidents", "Tied to an incident.") { $0.forIncidents },
  ])

  static let openReviews = ReportRows<Named<AgeingReport.OpenReview>>(
    Named.subjectFields { $0.change } + [
      .text("repository", "Its repository.") { $0.row.repository },
      .time("ready", "When it was first ready for review.") { $0.row.ready },
      .number("age_seconds", "Time since then.") { $0.row.ageSeconds },
      .time("first_response", "The first response by a person other than the author.") { $0.row.firstResponse },
      .integer("review_rounds", "Blocking reviews that a commit followed.") { $0.row.reviewRounds },
      .text("size_class", "The class of its size.", choices: SizeClass.allCases.map(\.rawValue)) { $0.row.sizeClass?.rawValue },
    ])
}
