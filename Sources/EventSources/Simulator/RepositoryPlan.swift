/// The properties of a repository: how it is built, merged, deployed and released, and how active it is.
struct RepositoryPlan: Sendable {
  enum MergeMethod: Sendable {
    case squash, merge, rebase
  }

  var name: String
  var description: String
  var language: String
  var topics: [String]
  /// The age of the repository at the start of the history, in years.
  var age: Double
  /// The highest number that earlier issues and pull requests have used.
  var usedNumbers: Int
  var mergeMethod: MergeMethod
  var hasMergeQueue = false
  /// True if commits are deployed to staging and then to production.
  var hasEnvironments = false
  var hasReleases = false
  var hasScanner = false
  /// The context of the commit statuses from an external CI; nil if there is none.
  var outsideCI: String?
  var ci: WorkflowPlan
  /// The workflow that deploys directly on a push to main; nil if there is none.
  var site: WorkflowPlan?
  /// The number of issues in a working week.
  var issues: Double
  /// The number of pull requests without an issue in a working week, from people and from the bot that updates
  /// dependencies.
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
  /// The names of the jobs that must succeed first.
  var needs: [String] = []
  /// The median duration, in minutes.
  var minutes: Double
  var steps: [String]
  /// The environment that the job deploys to; nil if it does not deploy.
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

/// The vocabulary for titles of issues and changes, and for the files of a repository.
struct Wording: Sendable {
  var parts: [String]
  var symptoms: [String]
  var wishes: [String]
  var chores: [String]
  var packages: [String]
  var files: [String]
}

extension WorkflowPlan {
  /// A single file deploys to all environments; an input selects one.
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
