import CDEvents
import CustomHTTP
import GitHubWebhooks
import GitLabWebhooks
import JenkinsWebhooks
import JiraWebhooks
import TrelloWebhooks
package import ValueStreamCore

/// All sources and their settings, for the executables.
package enum SourceCatalog {
  /// The settings for mapping payloads to subjects, in the order of the help text.
  package static let classification =
    ClassificationSettings.declarations + ServiceRules.declarations + [GitHubRules.deployWorkflowsSetting.declaration]
    + JenkinsRules.declarations
    + JiraRules.declarations
    + TrelloRules.declarations

  /// The secrets of all sources, and the settings that belong to them.
  package static let secrets =
    GitHubSource.secretSetting.declarations + GitLabSource.secretSetting.declarations
    + JenkinsSource.secretSetting.declarations + JiraSource.secretSetting.declarations
    + TrelloSource.secretSetting.declarations + [TrelloSource.callbackURLSetting.declaration]
    + CustomHTTPSource.secretSetting.declarations + CDEventsSource.secretSetting.declarations

  /// The endpoints of the sources that a generated history has, each with the setting of its secret.
  package static let senders: [(path: String, secret: SecretSetting)] = [
    ("/github", GitHubSource.secretSetting), ("/gitlab", GitLabSource.secretSetting), ("/jira", JiraSource.secretSetting),
    ("/jenkins", JenkinsSource.secretSetting), ("/customhttp", CustomHTTPSource.secretSetting),
  ]

  /// Returns all sources with their secrets.
  ///
  /// - Throws: a one-line message for the user.
  package static func sources(
    _ settings: Settings, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> [any EventSource] {
    try all(settings) { setting throws(SettingsError) in try setting.secrets(in: settings, readFile: readFile) }
  }

  /// Returns all sources without secrets, to parse payloads without authenticating them.
  package static func readers(_ settings: Settings) throws(SettingsError) -> [any EventSource] {
    try all(settings) { _ in [] }
  }

  /// Returns the CI job that runs this process; nil outside the supported CIs.
  ///
  /// - Parameter job: the id of the job, for GitHub Actions, which sets no variable with it.
  /// - Throws: a one-line message for the user if a variable that the CI sets is missing or malformed, or if `job` is
  ///   given in another CI.
  package static func runContext(
    in environment: [String: String], job: Int64?
  ) throws(RunVariables.Failure) -> RunContext? {
    if let context = try GitHubActionsJob.context(in: environment, job: job) { return context }
    let pipeline = try GitLabJob.context(in: environment)
    let other = pipeline == nil ? try JenkinsBuildInProgress.context(in: environment) : pipeline
    if other != nil, job != nil { throw RunVariables.Failure("only a job of GitHub Actions needs to be told its id") }
    return other
  }

  /// Returns the references that a name in a custom event stands for; nil if the text is not a valid name.
  ///
  /// Names range from `vstrace-github-issue-site-36` to `acme/site#36`.
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
      JiraSource(secrets: try secrets(JiraSource.secretSetting), rules: try JiraRules(settings)),
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
