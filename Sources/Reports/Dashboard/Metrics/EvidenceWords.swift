import DeliveryMetrics

/// What the rows behind a number say, in words for people.
extension Measure {
  /// Why a row counts as it does: the rules of failures, the kinds of rework, how an incident is tied, or traits of a change.
  func words(of row: EvidenceRow) -> [String] {
    row.reasons.map { reason in
      let words: String? =
        switch DORAMetric(rawValue: name) {
        case .changeFailRate?, .recoveryTime?: FailureRule(rawValue: reason)?.words
        case .reworkRate?: ReworkReason(rawValue: reason)?.words
        default: page == .incidents ? IncidentCause.Basis(rawValue: reason)?.words : Self.traits[reason]
        }
      return words ?? reason.replacing("_", with: " ")
    }
  }

  /// The traits of changes whose names need more words.
  private static let traits = [
    "by_bot": "by a bot", "direct": "pushed without a pull or merge request", "for_incident": "for an incident",
    "back_merge": "merged back", "cherry_pick": "cherry-picked",
  ]
}

extension EvidenceRow.Role {
  /// The words before the name of the other item.
  var words: String {
    switch self {
    case .deploy: "together with"
    case .deployedBy: "deployed by"
    case .remediedBy: "remedied by"
    case .incident: "incident"
    case .change: "change"
    }
  }

  var isDeploy: Bool {
    switch self {
    case .deploy, .deployedBy, .remediedBy: true
    case .incident, .change: false
    }
  }
}

extension LeftOutReason {
  var words: String {
    switch self {
    case .clock: "clocks disagree"
    case .byBot: "by bots"
    default: rawValue.replacing("_", with: " ")
    }
  }
}

extension ReworkReason {
  var words: String {
    switch self {
    case .rollback: "rolled back"
    case .revert: "reverts a change"
    case .hotfix: "brings a hotfix"
    case .incident: "brings a change for an incident"
    }
  }
}
