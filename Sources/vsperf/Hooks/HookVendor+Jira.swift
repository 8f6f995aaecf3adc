import JiraHooks
import JiraWebhooks
import ValueStreamCore

extension HookVendor {
  private static let jiraAddress = FetchSettings.address(
    "JIRA", flag: "jira-url", of: "the site: https://acme.atlassian.net", default: nil)

  private static let jiraUser = Setting<String?>.user(
    "user", environment: "VS_JIRA_USER", placeholder: "EMAIL",
    help: "User that the token belongs to. Without it, the token is sent as a bearer token.")

  private static let jiraToken = Setting<String?>.optionalText(
    "access-token", environment: "VS_JIRA_TOKEN", placeholder: "TOKEN",
    help: "API token. Prefer the variable: process lists show flags.")

  private static let jql = Setting<String?>.optionalText(
    "jql", environment: "", placeholder: "JQL",
    help: "Issues that the webhook is for, such as \"project in (TP, OPS)\". All without it.")

  static let jira = HookVendor(
    name: "jira", title: "Jira",
    access: [jiraAddress.declaration, jiraUser.declaration, jiraToken.declaration], creation: [jql.declaration],
    secret: JiraFactory().secret, example: "--jira-url https://acme.atlassian.net --user tal@acme.example", remark: ""
  ) { settings, words in
    guard let address = try settings.value(of: jiraAddress) else {
      throw UsageError("which site? --jira-url https://acme.atlassian.net", seeing: words)
    }
    guard let token = try FetchSettings.token(jiraToken, in: settings) else {
      throw UsageError(
        "Jira wants a token of an administrator: make one at https://id.atlassian.com/manage-profile/security/api-tokens, and set "
          + "VS_JIRA_TOKEN and VS_JIRA_USER", seeing: words)
    }
    let authorization = BasicAuthorization.header(user: try settings.value(of: jiraUser), token: token.bytes)
    return [
      Place(
        service: JiraHooks(address, authorization: authorization, client: try HookSettings.client(settings)),
        scopes: [try settings.value(of: jql)])
    ]
  }
}
