package import ValueStreamCore

/// Makes the source of Trello's webhooks.
package struct TrelloFactory: SourceFactory {
  package let secret = SecretSetting("trello-secret", of: "the Trello app whose token made the webhooks")

  private static let callbackURL = Setting<String?>(
    "trello-callback-url", placeholder: "URL", default: nil, defaultText: nil,
    help:
      "Callback URL of the Trello webhooks, exactly as registered, because the signature covers it. Required with a Trello secret."
  ) { text throws(SettingError) in
    guard WebAddress.host(text) != nil else { throw SettingError(expected: "an address such as https://vs.example.org/trello") }
    return text
  }

  package init() {}

  package var plain: any EventSource { TrelloSource() }
  package var authentication: [SettingDeclaration] { [Self.callbackURL.declaration] }
  package var classification: [SettingDeclaration] { TrelloRules.declarations }

  package func makeSource(secrets: [Secret], settings: Settings) throws(SettingsError) -> any EventSource {
    try TrelloSource(
      secrets: secrets, callbackURL: try settings.value(of: Self.callbackURL), rules: try TrelloRules(settings))
  }

  package var guide: SourceGuide {
    SourceGuide(
      title: "Trello", steps: "Create a webhook per board through Trello's API, with the address as callbackURL.",
      link: "https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/",
      command: .creation("vsperf webhooks create trello --board SHORTLINK --key KEY --url \(SourceGuide.addressMark)"))
  }
}
