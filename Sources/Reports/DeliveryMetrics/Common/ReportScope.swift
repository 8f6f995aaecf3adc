package import ValueStreamCore

/// What a report is about. Empty lists stand for everything.
package struct ReportScope: Sendable, Hashable {
  package var services: [NamePattern]
  package var repositories: [NamePattern]
  /// The name of a team of ``ReportSettings/teams``.
  package var team: String?
  /// Environments that count instead of those of production.
  package var environments: [NamePattern]
  /// Types of issues for which changes are made. Applies to changes and issues, not to deploys.
  package var workTypes: [NamePattern]

  package init(
    services: [NamePattern] = [], repositories: [NamePattern] = [], team: String? = nil, environments: [NamePattern] = [],
    workTypes: [NamePattern] = []
  ) {
    self.services = services
    self.repositories = repositories
    self.team = team
    self.environments = environments
    self.workTypes = workTypes
  }
}

/// By what a report divides its numbers.
package enum Grouping: String, Sendable, Hashable, CaseIterable {
  case service
  case repository
  /// Teams may overlap. Items of several teams count in each.
  case team
  /// Each environment has releases of its own, so a release to two environments counts in both.
  case environment
}

/// Names a group of a report.
package struct GroupKey: Sendable, Hashable {
  /// Nil for the only group of a report that divides nothing.
  package var grouping: Grouping?
  /// Nil if the group has no name: everything, or items whose service, repository, team or environment is unknown.
  package var name: String?

  package static let all = GroupKey(grouping: nil, name: nil)

  package init(grouping: Grouping?, name: String?) {
    self.grouping = grouping
    self.name = name
  }
}

/// How reports count.
package struct ReportSettings: Sendable {
  /// Environments that are production. Empty to follow the vendor's word or else the words `prod`, `production`, `live`.
  package var production: [NamePattern]
  package var teams: [Team]
  /// The rules by which releases count as failed.
  package var failureRules: Set<FailureRule>
  /// Seconds after its end in which a release has no verdict.
  package var verdictAfterSeconds: Double
  /// A rule blames only releases that ended within this many seconds before.
  package var blameWithinSeconds: Double
  /// Deploys of one service and commit that begin within this many seconds are one release.
  package var releaseSpanSeconds: Double
  /// False to leave out the changes of bots. Figures of reviews never contain them.
  package var includesBots: Bool
  package var statuses: StatusSettings
  /// Items that a person excluded, with the reason.
  package var exclusions: [FactID: String]

  /// A team owns the repositories, services and projects that match one of its patterns.
  package struct Team: Sendable, Hashable {
    package var name: String
    package var patterns: [NamePattern]

    package init(name: String, patterns: [NamePattern]) {
      self.name = name
      self.patterns = patterns
    }
  }

  package init(
    production: [NamePattern] = [], teams: [Team] = [], failureRules: Set<FailureRule> = FailureRule.usual,
    verdictAfterSeconds: Double = 86_400, blameWithinSeconds: Double = 7 * 86_400, releaseSpanSeconds: Double = 3600,
    includesBots: Bool = true, statuses: StatusSettings = StatusSettings(), exclusions: [FactID: String] = [:]
  ) {
    self.production = production
    self.teams = teams
    self.failureRules = failureRules
    self.verdictAfterSeconds = verdictAfterSeconds
    self.blameWithinSeconds = blameWithinSeconds
    self.releaseSpanSeconds = releaseSpanSeconds
    self.includesBots = includesBots
    self.statuses = statuses
    self.exclusions = exclusions
  }
}

/// What the statuses of trackers mean.
package struct StatusSettings: Sendable, Hashable {
  /// Statuses in which work on an issue has begun. Empty: all statuses except those before work and those that are done.
  package var started: [NamePattern]
  /// Statuses in which an issue is done. Empty: an issue is done when the tracker says that it is closed.
  package var done: [NamePattern]
  /// Statuses in which somebody works on the issue, and those in which it waits. If only one of the lists is given, it
  /// decides alone. Without either, flow efficiency is unknown.
  package var active: [NamePattern]
  package var waiting: [NamePattern]

  package init(
    started: [NamePattern] = [], done: [NamePattern] = [], active: [NamePattern] = [], waiting: [NamePattern] = []
  ) {
    self.started = started
    self.done = done
    self.active = active
    self.waiting = waiting
  }

  /// The usual names of statuses before work begins.
  package static let beforeWork = [
    "Backlog", "*Backlog", "To Do", "ToDo", "To-Do", "Open", "New", "Created", "Funnel", "Draft", "Idea*", "Triage", "Inbox",
    "Selected for Development", "Ready for Development", "Ready", "Next", "Planned", "Reopened", "Icebox", "Later",
  ].map(NamePattern.init)

  /// The usual names of statuses after work.
  package static let afterWork = [
    "Done", "Closed", "Resolved", "Complete", "Completed", "Released", "Finished", "Cancelled", "Canceled", "Rejected",
    "Declined", "Won't Do", "Won't Fix", "Abandoned", "Archived", "Duplicate",
  ].map(NamePattern.init)
}

/// A rule by which a release counts as failed.
package enum FailureRule: String, Sendable, Hashable, CaseIterable {
  /// An incident names the release, or it was the latest one of the service before the incident began.
  case incident
  /// The service went back to an earlier release.
  case rollback
  /// A later release reverts a change that the release brought.
  case revert
  /// The next release brought a hotfix.
  case hotfix
  /// The deploy itself failed after it began to run.
  case failed

  /// All rules except ``failed``, which also changes the number of releases with a verdict.
  package static let usual: Set<FailureRule> = [.incident, .rollback, .revert, .hotfix]
}
