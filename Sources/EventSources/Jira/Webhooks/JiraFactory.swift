import PayloadReading
package import ValueStreamCore

/// Makes the source of Jira's webhooks.
package struct JiraFactory: SourceFactory {
  package let secret = SecretSetting("jira-secret", of: "Jira webhooks")

  package init() {}

  package var plain: any EventSource { JiraSource() }
  package var classification: [SettingDeclaration] { JiraRules.declarations }

  package func makeSource(secrets: [Secret], settings: Settings) throws(SettingsError) -> any EventSource {
    JiraSource(secrets: secrets, rules: try JiraRules(settings))
  }

  package var guide: SourceGuide {
    SourceGuide(
      title: "Jira",
      steps: "Jira settings › System › WebHooks › Create. Tick issue created, updated and deleted, sprints, and versions.",
      link: "https://developer.atlassian.com/cloud/jira/platform/webhooks/",
      command: .creation(
        "vsperf webhooks create jira --jira-url SITE --user EMAIL --jira-secret-file FILE --url \(SourceGuide.addressMark)"))
  }

  package func signature(
    of body: [UInt8], secret: Secret, using authenticator: any MessageAuthenticator
  ) -> HTTPHeaders.Field? {
    JiraSignature.check.field(for: body, secret: secret, using: authenticator)
  }
}
