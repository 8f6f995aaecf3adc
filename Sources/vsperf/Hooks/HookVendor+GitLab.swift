import GitLabHooks
import GitLabWebhooks
import ValueStreamCore

extension HookVendor {
  private static let gitLabAddress = FetchSettings.address(
    "GITLAB", flag: "gitlab-url", of: "GitLab", default: "https://gitlab.com")

  private static let project = Setting<String?>.optionalText(
    "project", environment: "", placeholder: "PATH", help: "Project, such as acme/site. Repeat for more.")

  private static let group = Setting<String?>.optionalText(
    "group", environment: "", placeholder: "PATH",
    help: "Group, for a webhook of all its projects (paid plans). Repeat for more.")

  private static let gitLabToken = Setting<String?>.optionalText(
    "access-token", environment: "VS_GITLAB_TOKEN", otherVariables: ["GITLAB_TOKEN"], placeholder: "TOKEN",
    help: "Access token with the scope api. Prefer the variable: process lists show flags.")

  static let gitLab = HookVendor(
    name: "gitlab", title: "GitLab",
    access: [project.declaration, group.declaration, gitLabToken.declaration, gitLabAddress.declaration], creation: [],
    secret: GitLabFactory().secret, example: "--project acme/site",
    remark: "\nA secret that begins with whsec_ becomes the signing token, which GitLab has from 19.0 on.", redeliveryDays: 7
  ) { settings, words in
    let projects = try settings.values(of: project).compactMap { $0 }
    let groups = try settings.values(of: group).compactMap { $0 }
    guard !projects.isEmpty || !groups.isEmpty else {
      throw UsageError("whose webhooks? --project PATH or --group PATH", seeing: words)
    }
    let address = try settings.value(of: gitLabAddress) ?? ""
    guard let token = try FetchSettings.token(gitLabToken, in: settings) else {
      throw UsageError(
        "GitLab wants a token: make one with the scope api at \(address)/-/user_settings/personal_access_tokens, and set "
          + "VS_GITLAB_TOKEN", seeing: words)
    }
    let client = try HookSettings.client(settings)
    let owners = groups.map(GitLabHooks.Owner.group) + projects.map(GitLabHooks.Owner.project)
    return owners.map { Place(service: GitLabHooks($0, at: address, token: token, client: client)) }
  }
}
