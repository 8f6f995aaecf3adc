/// What a repository is like: how it is built, merged, deployed and released, and how much happens in it.
struct RepositoryPlan: Sendable {
  enum MergeMethod: Sendable {
    case squash, merge, rebase
  }

  var name: String
  var description: String
  var language: String
  var topics: [String]
  /// How long ago it was made, in years.
  var age: Double
  /// Numbers that issues and pull requests have used before.
  var usedNumbers: Int
  var mergeMethod: MergeMethod
  var hasMergeQueue = false
  /// Is deployed to staging, and then to production.
  var hasEnvironments = false
  var hasReleases = false
  var hasScanner = false
  /// Context of the commit statuses of a CI elsewhere.
  var outsideCI: String?
  var ci: WorkflowPlan
  /// What a push to main deploys by itself.
  var site: WorkflowPlan?
  /// In a working week.
  var issues: Double
  /// Pull requests without an issue, of people and of the bot that updates dependencies.
  var otherChanges: Double
  var updates: Double
  var wording: Wording
}

/// A workflow file.
struct WorkflowPlan: Sendable {
  var name: String
  var file: String
  var jobs: [JobPlan]

  var path: String { ".github/workflows/\(file)" }
}

struct JobPlan: Sendable {
  var name: String
  var runner = Runner.hosted
  /// Names of jobs that come before.
  var needs: [String] = []
  /// In the median.
  var minutes: Double
  var steps: [String]
  /// Where it deploys to.
  var environment: String?

  enum Runner: Sendable {
    case hosted, mac, own

    var labels: [String] {
      switch self {
      case .hosted: ["ubuntu-latest"]
      case .mac: ["macos-15"]
      case .own: ["self-hosted", "linux", "quay"]
      }
    }
  }
}

/// What issues, changes and files of a repository are called.
struct Wording: Sendable {
  var parts: [String]
  var symptoms: [String]
  var wishes: [String]
  var chores: [String]
  var packages: [String]
  var files: [String]
}

extension WorkflowPlan {
  /// One file for all environments, as its input says.
  static let deploy = WorkflowPlan(name: "Deploy", file: "deploy.yml", jobs: [])

  static let toStaging = [
    JobPlan(name: "build image", minutes: 2.6, steps: ["Log in to the registry", "Build image", "Push image"]),
    JobPlan(
      name: "deploy to staging", runner: .own, needs: ["build image"], minutes: 1.8,
      steps: ["Fetch credentials", "Roll out", "Wait for healthy instances"], environment: "staging"),
  ]

  static let toProduction = [
    JobPlan(
      name: "deploy to production", runner: .own, minutes: 4.2,
      steps: ["Fetch credentials", "Roll out to one instance", "Roll out to all", "Wait for healthy instances"],
      environment: "production"),
    JobPlan(
      name: "smoke test", needs: ["deploy to production"], minutes: 0.9, steps: ["Call the public endpoints"]),
  ]

  static let release = WorkflowPlan(
    name: "Release", file: "release.yml",
    jobs: [
      JobPlan(name: "package android", minutes: 9, steps: ["Set up Java", "Assemble bundle", "Sign bundle"]),
      JobPlan(name: "package ios", runner: .mac, minutes: 14, steps: ["Select Xcode", "Archive", "Export"]),
      JobPlan(
        name: "publish", needs: ["package android", "package ios"], minutes: 1.5,
        steps: ["Download artifacts", "Publish release"]),
    ])
}
