import PayloadReading
package import ValueStreamCore

/// Makes the source of the payloads of Jenkins plugins.
package struct JenkinsFactory: SourceFactory {
  package let secret = SecretSetting("jenkins-secret", of: "Jenkins plugins")

  package init() {}

  package var plain: any EventSource { JenkinsSource() }
  package var classification: [SettingDeclaration] { JenkinsRules.declarations }

  package func makeSource(secrets: [Secret], settings: Settings) throws(SettingsError) -> any EventSource {
    JenkinsSource(secrets: secrets, rules: try JenkinsRules(settings))
  }

  package var guide: SourceGuide {
    SourceGuide(
      title: "Jenkins",
      steps: "Install the Generic Event, Notification or Statistics Gatherer plugin, and give it the address as receiver.",
      link: "https://plugins.jenkins.io/generic-event/")
  }

  package var ci: CISystem? {
    CISystem(name: "Jenkins") { environment, _ throws(RunVariables.Failure) in
      try JenkinsBuildInProgress.context(in: environment)
    }
  }

  package func signature(
    of body: [UInt8], secret: Secret, using authenticator: any MessageAuthenticator
  ) -> HTTPHeaders.Field? {
    TokenCheck.field(showing: secret)
  }
}
