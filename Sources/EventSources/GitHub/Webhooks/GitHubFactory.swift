import PayloadReading
package import ValueStreamCore

/// Makes the source of GitHub's webhooks.
package struct GitHubFactory: SourceFactory {
  package let secret = SecretSetting("github-secret", of: "GitHub webhooks")

  package init() {}

  package var plain: any EventSource { GitHubSource() }
  package var classification: [SettingDeclaration] { [GitHubRules.deployWorkflowsSetting.declaration] }

  package func makeSource(secrets: [Secret], settings: Settings) throws(SettingsError) -> any EventSource {
    GitHubSource(secrets: secrets, rules: try GitHubRules(settings))
  }

  package var guide: SourceGuide {
    SourceGuide(
      title: "GitHub",
      steps:
        "Organization or repository settings › Webhooks › Add webhook. Content type application/json. Tick issues, pull requests "
        + "and reviews, pushes, workflow runs and jobs, check runs, deployments and deployment statuses.",
      link: "https://docs.github.com/en/webhooks/using-webhooks/creating-webhooks",
      command: .creation(
        "vsperf webhooks create github --repository OWNER/NAME --github-secret-file FILE --url \(SourceGuide.addressMark)"))
  }

  package var typeHeader: String? { GitHubHeader.event }

  package var payloadTypes: PayloadTypes? {
    PayloadTypes(all: GitHubEventType.all) { GitHubEventType.inferred(fromBody: $0) }
  }

  package var ci: CISystem? {
    CISystem(name: "GitHub Actions", needsJobID: true) { environment, job throws(RunVariables.Failure) in
      try GitHubActionsJob.context(in: environment, job: job)
    }
  }

  package func signature(
    of body: [UInt8], secret: Secret, using authenticator: any MessageAuthenticator
  ) -> HTTPHeaders.Field? {
    GitHubSignature.check.field(for: body, secret: secret, using: authenticator)
  }
}
