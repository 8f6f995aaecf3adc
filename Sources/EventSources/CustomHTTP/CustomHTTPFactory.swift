import PayloadReading
package import ValueStreamCore

/// Makes the source of custom events.
package struct CustomHTTPFactory: SourceFactory {
  package let secret = SecretSetting("customhttp-secret", of: "custom HTTP events")

  package init() {}

  package var plain: any EventSource { CustomHTTPSource() }

  package func makeSource(secrets: [Secret], settings: Settings) throws(SettingsError) -> any EventSource {
    CustomHTTPSource(secrets: secrets)
  }

  package var guide: SourceGuide {
    SourceGuide(
      title: "Scripts and anything else",
      steps: "Post JSON with id, type, namespace and times, or use vsperf event start, end and run.",
      command: .sending(
        "vsperf event run --event-source-url \(SourceGuide.addressMark) --namespace OWNER/NAME --environment production -- COMMAND"
      ))
  }

  package func signature(
    of body: [UInt8], secret: Secret, using authenticator: any MessageAuthenticator
  ) -> HTTPHeaders.Field? {
    CustomHTTPSignature.check.field(for: body, secret: secret, using: authenticator)
  }
}
