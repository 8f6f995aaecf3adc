import DeliveryMetrics
import ValueStreamCore

/// The rows behind a number.
enum EvidenceRows {
  private static func name(of kind: FactKind) -> String {
    switch kind {
    case .change: "change"
    case .deploy: "deploy"
    case .deliveredChange: "delivered_change"
    case .incident: "incident"
    case .issue: "issue"
    case .run: "run"
    }
  }

  static let rows = ReportRows<Named<EvidenceRow>>(
    Named.subjectFields { $0.id } + [
      ReportField("kind", .text(choices: FactKind.allCases.map(name)), "What the row is.") { .text(name(of: $0.row.kind)) },
      .optionalInteger("attempt", "The attempt of a deploy or run.") { $0.row.attempt == 0 ? nil : Int($0.row.attempt) },
      .time("time", "The time that puts the row into the window.") { $0.row.time },
      .number("value", "What the row contributes, such as seconds.") { $0.row.value },
      .text("verdict", "What became of a release.", choices: DeployRows.verdicts) { $0.row.verdict?.rawValue },
      .texts("reasons", "Why the row counts as it does: rules, basis, traits.") { $0.row.reasons },
      .text("left_out", "Why the row does not count. Null if it does.", choices: LeftOutReason.allCases.map(\.rawValue)) {
        $0.row.leftOut?.rawValue
      },
      .text("exclusion", "The reason of the person who left it out.") { $0.row.exclusion },
    ]
      + [
        (EvidenceRow.Role.deploy, "deploys", "The keys of other deploys of the same release."),
        (.deployedBy, "deployed_by", "The key of the deploy that brought the change."),
        (.remediedBy, "remedied_by", "The key of the deploy that remedied the failure."),
        (.incident, "incidents", "The keys of incidents."), (.change, "changes", "The keys of changes."),
      ].map { role, name, help in
        .texts(name, help) { named in named.row.related.filter { $0.role == role }.compactMap { named.key(of: $0.id) } }
      })
}
