import PayloadReading
package import ValueStreamCore

/// Makes the source of CDEvents.
package struct CDEventsFactory: SourceFactory {
  package let secret = SecretSetting("cdevents-secret", of: "CDEvents producers")

  package init() {}

  package var plain: any EventSource { CDEventsSource() }

  package func makeSource(secrets: [Secret], settings: Settings) throws(SettingsError) -> any EventSource {
    CDEventsSource(secrets: secrets, rules: try CDEventsRules(settings))
  }

  package var guide: SourceGuide {
    SourceGuide(
      title: "CDEvents", steps: "Give the address to any tool that sends CDEvents over HTTP, as a sink.",
      link: "https://cdevents.dev")
  }

  package func signature(
    of body: [UInt8], secret: Secret, using authenticator: any MessageAuthenticator
  ) -> HTTPHeaders.Field? {
    TokenCheck.field(showing: secret)
  }
}
