import DeliveryMetrics
import ValueStreamCore

/// Why no change of a period has a lead time, from the deploys of that period.
struct LeadTimeObstacle {
  /// The services whose first release to production ended in the period, by name.
  private(set) var firstServices: [String] = []
  /// The other releases to production.
  private(set) var laterReleaseCount = 0
  /// The environments of deploys that are not to production, by name.
  private(set) var otherEnvironments: [String] = []
  private(set) var hasDeployWithoutEnvironment = false

  private static let deployLimit = 1000
  private static let nameLimit = 3

  init(_ page: MetricContext) throws {
    let report = try DeploysReport(
      DeploysQuery(
        frame: page.withoutComparison, scope: page.question.scope, includesAllEnvironments: true, limit: Self.deployLimit,
        settings: page.settings), from: page.facts)
    self.init(of: report.rows)
  }

  init(of rows: [DeployRow]) {
    var (first, others): (Set<String>, Set<String>) = ([], [])
    for row in rows {
      guard row.isProduction, let release = row.release else {
        guard !row.isProduction else { continue }
        if let environment = row.environment { others.insert(environment) } else { hasDeployWithoutEnvironment = true }
        continue
      }
      // Deploys of one release share it.
      guard release.deploy == row.deploy else { continue }
      if row.step == .first { first.insert(row.service ?? "a service without a name") } else { laterReleaseCount += 1 }
    }
    firstServices = first.sorted()
    otherEnvironments = others.sorted()
  }

  /// What hinders, as the heading of a page.
  var sentence: String {
    if laterReleaseCount > 0 {
      let verb = laterReleaseCount == 1 ? "brings" : "bring"
      return "\(Wording.count(laterReleaseCount, "release")) \(verb) no change that vsd knows"
    }
    guard !firstServices.isEmpty else { return "No change has reached production yet" }
    return
      "\(Wording.count(firstServices.count, "first release")) of \(Self.list(firstServices)): lead time begins with the next one"
  }

  /// The reasons, and what to do.
  var reasons: [String] {
    var reasons: [String] = []
    if !firstServices.isEmpty {
      reasons.append(
        "The first release of a service brings no changes: nothing tells which commits were in production before it. From the "
          + "next release on, vsd compares the commits of both.")
    }
    if laterReleaseCount > 0 {
      reasons.append(
        "vsd compares the commit of a deploy with that of the one before. It needs the pushes of the repository, and the commit in "
          + "every deploy. A redeploy or a rollback brings no change.")
    }
    guard firstServices.isEmpty, laterReleaseCount == 0 else { return reasons }
    if !otherEnvironments.isEmpty {
      reasons.append(
        "Deploys come to \(Self.list(otherEnvironments)), and none of them is production. Name the environments that are with "
          + "--production.")
    }
    if hasDeployWithoutEnvironment {
      reasons.append("Deploys come without the name of an environment, so nothing tells whether they are to production.")
    }
    reasons.append(
      "Lead time needs deploys to production and the changes that they bring. vsd learns them from the commit of each deploy: a "
        + "deployment of GitHub or GitLab, a build of Jenkins, CDEvents, or vsperf event in a script.")
    return reasons
  }

  /// The names, or the first of them with the number of the others.
  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(nameLimit).joined(separator: ", ")
    return names.count > nameLimit ? "\(shown) and \(names.count - nameLimit) more" : shown
  }
}
