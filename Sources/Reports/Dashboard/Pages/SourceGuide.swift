/// How to connect a source, in short.
struct SourceGuide: Sendable {
  /// The name for people.
  let name: String
  /// Where the address belongs, and what to tick.
  let steps: String
  /// The variable that holds the secret.
  let secret: String
  /// The vendor's or producer's own page.
  let link: WebLink?
  /// Returns the command that makes the webhook or sends events, for the address of the source. Nil if there is none.
  let command: (@Sendable (String) -> String)?
  /// True if the command asks an API of the vendor, which needs a token.
  let commandNeedsToken: Bool

  private init(_ name: String, _ steps: String, secret: String, link: String, command: String? = nil) {
    self.command = command.map { command in { @Sendable address in "vsperf webhooks create \(command) --url \(address)" } }
    commandNeedsToken = true
    self.secret = secret
    self.name = name
    self.steps = steps
    self.link = WebLink(link)
  }

  /// Creates a guide for what sends its events itself.
  private init(_ name: String, _ steps: String, secret: String, sending command: @escaping @Sendable (String) -> String) {
    self.command = command
    commandNeedsToken = false
    link = nil
    self.name = name
    self.steps = steps
    self.secret = secret
  }

  static let all: [String: SourceGuide] = [
    "github": SourceGuide(
      "GitHub",
      "Organization or repository settings › Webhooks › Add webhook. Content type application/json. Tick issues, pull requests "
        + "and reviews, pushes, workflow runs and jobs, check runs, deployments and deployment statuses.",
      secret: "VS_GITHUB_SECRET",
      link: "https://docs.github.com/en/webhooks/using-webhooks/creating-webhooks",
      command: "github --repository OWNER/NAME --github-secret-file FILE"),
    "gitlab": SourceGuide(
      "GitLab",
      "Project or group › Settings › Webhooks › Add new webhook. Tick push, issue, comment, merge request, job, pipeline, "
        + "deployment and release events.",
      secret: "VS_GITLAB_SECRET", link: "https://docs.gitlab.com/user/project/integrations/webhooks/",
      command: "gitlab --project GROUP/NAME --gitlab-secret-file FILE"),
    "jira": SourceGuide(
      "Jira", "Jira settings › System › WebHooks › Create. Tick issue created, updated and deleted, sprints, and versions.",
      secret: "VS_JIRA_SECRET", link: "https://developer.atlassian.com/cloud/jira/platform/webhooks/",
      command: "jira --jira-url SITE --user EMAIL --jira-secret-file FILE"),
    "jenkins": SourceGuide(
      "Jenkins", "Install the Generic Event, Notification or Statistics Gatherer plugin, and give it the address as receiver.",
      secret: "VS_JENKINS_SECRET", link: "https://plugins.jenkins.io/generic-event/"),
    "trello": SourceGuide(
      "Trello", "Create a webhook per board through Trello's API, with the address as callbackURL.", secret: "VS_TRELLO_SECRET",
      link: "https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/",
      command: "trello --board SHORTLINK --key KEY"),
    "customhttp": SourceGuide(
      "Scripts and anything else", "Post JSON with id, type, namespace and times, or use vsperf event start, end and run.",
      secret: "VS_CUSTOMHTTP_SECRET",
      sending: { "vsperf event run --event-source-url \($0) --namespace OWNER/NAME --environment production -- COMMAND" }),
    "cdevents": SourceGuide(
      "CDEvents", "Give the address to any tool that sends CDEvents over HTTP, as a sink.", secret: "VS_CDEVENTS_SECRET",
      link: "https://cdevents.dev"),
  ]
}
