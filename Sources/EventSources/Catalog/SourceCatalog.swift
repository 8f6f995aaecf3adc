import CDEvents
import CustomHTTP
import GitHubWebhooks
import GitLabWebhooks
import JenkinsWebhooks
import JiraWebhooks
import TrelloWebhooks
package import ValueStreamCore

/// Every source there is, as a user sets them up: what the executables have in common.
package enum SourceCatalog {
  /// What may be set of how things are understood, in the order in which help lists it.
  package static let classification =
    ClassificationSettings.declarations + ServiceRules.declarations + [GitHubRules.deployWorkflowsSetting.declaration]
    + JenkinsRules.declarations
    + JiraRules.declarations
    + TrelloRules.declarations

  /// The secrets of all sources, with what belongs to them.
  package static let secrets =
    GitHubSource.secretSetting.declarations + GitLabSource.secretSetting.declarations
    + JenkinsSource.secretSetting.declarations + JiraCloudSource.secretSetting.declarations
    + TrelloSource.secretSetting.declarations + [TrelloSource.callbackURLSetting.declaration]
    + CustomHTTPSource.secretSetting.declarations + CDEventsSource.secretSetting.declarations

  /// All sources with their secrets.
  ///
  /// - Throws: one line for the user.
  package static func sources(
    _ settings: Settings, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> [any EventSource] {
    try all(settings) { setting throws(SettingsError) in try setting.secrets(in: settings, readFile: readFile) }
  }

  /// All sources without secrets: to read payloads, not to believe them.
  package static func readers(_ settings: Settings) throws(SettingsError) -> [any EventSource] {
    try all(settings) { _ in [] }
  }

  /// The job that this process is part of; nil outside the CIs that are known.
  ///
  /// - Parameter job: its id, where the CI does not tell it to the job: GitHub Actions.
  /// - Throws: one line for the user when a variable is missing, or is not what the CI sets, or when the CI knows better.
  package static func runContext(
    in environment: [String: String], job: Int64?
  ) throws(RunVariables.Failure) -> RunContext? {
    if let context = try GitHubActionsJob.context(in: environment, job: job) { return context }
    let pipeline = try GitLabJob.context(in: environment)
    let other = pipeline == nil ? try JenkinsBuildInProgress.context(in: environment) : pipeline
    if other != nil, job != nil { throw RunVariables.Failure("only a job of GitHub Actions needs to be told its id") }
    return other
  }

  /// The names under which a thing may be known that people call so: what custom events may name, from
  /// `vstrace-github-issue-site-36` to `acme/site#36`; nil for a text that names nothing.
  package static func references(named text: String) -> [Reference]? {
    CustomHTTPName.references(text)
  }

  private static func all(
    _ settings: Settings, secrets: (SecretSetting) throws(SettingsError) -> [Secret]
  ) throws(SettingsError) -> [any EventSource] {
    [
      GitHubSource(secrets: try secrets(GitHubSource.secretSetting), rules: try gitHubRules(settings)),
      try GitLabSource(secrets: try secrets(GitLabSource.secretSetting), rules: try gitLabRules(settings)),
      JenkinsSource(secrets: try secrets(JenkinsSource.secretSetting), rules: try JenkinsRules(settings)),
      JiraCloudSource(secrets: try secrets(JiraCloudSource.secretSetting), rules: try JiraRules(settings)),
      try TrelloSource(
        secrets: try secrets(TrelloSource.secretSetting), callbackURL: try settings.value(of: TrelloSource.callbackURLSetting),
        rules: try TrelloRules(settings)),
      CustomHTTPSource(secrets: try secrets(CustomHTTPSource.secretSetting)),
      CDEventsSource(secrets: try secrets(CDEventsSource.secretSetting), rules: try cdEventsRules(settings)),
    ]
  }

  private static func gitHubRules(_ settings: Settings) throws(SettingsError) -> GitHubRules {
    GitHubRules(
      deployWorkflows: try settings.value(of: GitHubRules.deployWorkflowsSetting),
      incidentLabels: try settings.value(of: ClassificationSettings.incidentLabels), services: try ServiceRules(settings),
      bots: Bots(names: try settings.value(of: ClassificationSettings.bots)))
  }

  private static func gitLabRules(_ settings: Settings) throws(SettingsError) -> GitLabRules {
    GitLabRules(
      incidentLabels: try settings.value(of: ClassificationSettings.incidentLabels), services: try ServiceRules(settings),
      bots: Bots(names: try settings.value(of: ClassificationSettings.bots)))
  }

  private static func cdEventsRules(_ settings: Settings) throws(SettingsError) -> CDEventsRules {
    CDEventsRules(incidentLabels: try settings.value(of: ClassificationSettings.incidentLabels))
  }
}
