/// A repository of the company of a year-long history: where it lives, who works on it, and how its services are released.
struct YearRepository: Sendable {
  enum Forge: Sendable {
    case gitHub, gitLab
  }

  enum Tracker: Sendable {
    /// The issues of the forge.
    case forge
    /// A project of Jira, by its key.
    case jira(String)
  }

  enum Deployer: Sendable {
    /// Deployments of the forge.
    case forge
    case jenkins
    /// A script that posts custom events.
    case script
  }

  var name: String
  var forge: Forge
  var tracker: Tracker
  var deployer: Deployer
  var mergeMethod: RepositoryPlan.MergeMethod
  var services: [YearService]
  /// The names of the accounts of the people who work on it.
  var people: [String]
  /// Changes on a working day, by way of a pull or merge request.
  var changes: Double
  /// Pushes to main without a request on a working day.
  var directPushes: Double
  /// Updates of dependencies by a bot on a working day.
  var updates: Double
  /// The vocabulary for titles.
  var parts: [String]

  var owner: String { String(name.prefix { $0 != "/" }) }
  var shortName: String { String(name.drop { $0 != "/" }.dropFirst()) }
  /// True if the repository holds several services. Their releases overlap, so a hotfix of one would count for the other.
  var isShared: Bool { services.count > 1 }
}

/// A service and how it is released.
struct YearService: Sendable {
  /// The name as deploys state it.
  var name: String
  /// The production environments, in the order in which a release reaches them.
  var environments: [String]
  var staging: String?
  /// The weekdays and hours, in UTC, at which a release starts if there is something to release. 0 is Sunday.
  var weekdays: Set<Int>
  var hours: [Double]
  /// The share of releases that break production in an ordinary quarter.
  var badShare: Double
}

extension YearRepository {
  /// Four teams with tools of five vendors.
  static let all = [shop, payments, platform, reports]

  static let shop = YearRepository(
    name: "harbour/shop", forge: .gitHub, tracker: .forge, deployer: .forge, mergeMethod: .squash,
    services: [
      YearService(
        name: "harbour/shop", environments: ["production-eu", "production-us"], staging: "staging", weekdays: [1, 2, 3, 4, 5],
        hours: [9.5, 13, 15.5], badShare: 0.06)
    ],
    people: ["amara", "bogdan", "celine", "dmitri", "esi"], changes: 4, directPushes: 0, updates: 0.5,
    parts: ["basket", "checkout", "search page", "voucher field", "order history", "wish list"])

  static let payments = YearRepository(
    name: "harbour/payments", forge: .gitLab, tracker: .jira("PAY"), deployer: .forge, mergeMethod: .merge,
    services: [
      YearService(
        name: "harbour/payments", environments: ["production"], staging: "staging", weekdays: [1, 2, 3, 4], hours: [10.5],
        badShare: 0.09)
    ],
    people: ["farid", "greta", "hugo"], changes: 2.2, directPushes: 0.05, updates: 0,
    parts: ["refund", "card authorization", "ledger export", "settlement job", "currency table"])

  static let platform = YearRepository(
    name: "harbour/platform", forge: .gitHub, tracker: .jira("PLAT"), deployer: .jenkins, mergeMethod: .rebase,
    services: [
      YearService(
        name: "gateway", environments: ["production"], staging: nil, weekdays: [2, 4], hours: [14], badShare: 0.12),
      YearService(name: "search", environments: ["production"], staging: nil, weekdays: [3], hours: [11], badShare: 0.08),
    ],
    people: ["ines", "jonas", "kemal"], changes: 1.8, directPushes: 0.3, updates: 0.4,
    parts: ["rate limiter", "index builder", "route table", "query parser", "health check"])

  static let reports = YearRepository(
    name: "harbour/reports", forge: .gitHub, tracker: .forge, deployer: .script, mergeMethod: .squash,
    services: [
      YearService(name: "reports", environments: ["live"], staging: nil, weekdays: [1, 3, 5], hours: [16], badShare: 0.05)
    ],
    people: ["lena", "mirko"], changes: 0.5, directPushes: 0.6, updates: 0,
    parts: ["monthly summary", "churn table", "export", "forecast sheet"])
}
