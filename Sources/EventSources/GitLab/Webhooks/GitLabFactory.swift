package import ValueStreamCore

/// Makes the source of GitLab's webhooks.
package struct GitLabFactory: SourceFactory {
  package let secret = SecretSetting("gitlab-secret", of: "GitLab webhooks")

  package init() {}

  package var plain: any EventSource { GitLabSource() }

  package func makeSource(secrets: [Secret], settings: Settings) throws(SettingsError) -> any EventSource {
    try GitLabSource(secrets: secrets, rules: try GitLabRules(settings))
  }

  package var guide: SourceGuide {
    SourceGuide(
      title: "GitLab",
      steps: "Project or group › Settings › Webhooks › Add new webhook. Tick push, issue, comment, merge request, job, pipeline, "
        + "deployment and release events.",
      link: "https://docs.gitlab.com/user/project/integrations/webhooks/",
      command: .creation(
        "vsperf webhooks create gitlab --project GROUP/NAME --gitlab-secret-file FILE --url \(SourceGuide.addressMark)"))
  }

  package var typeHeader: String? { GitLabHeader.event }

  package func kind(of headers: HTTPHeaders) -> String {
    headers[GitLabHeader.event].map { "gitlab \($0.replacing(" Hook", with: "").lowercased())" } ?? name
  }

  package var ci: CISystem? {
    CISystem(name: "GitLab CI") { environment, _ throws(RunVariables.Failure) in try GitLabJob.context(in: environment) }
  }

  /// Returns the older header, which holds the secret itself.
  package func signature(
    of body: [UInt8], secret: Secret, using authenticator: any MessageAuthenticator
  ) -> HTTPHeaders.Field? {
    HTTPHeaders.Field(name: GitLabHeader.token, value: String(decoding: secret.bytes, as: UTF8.self))
  }
}
