import ValueStreamCore

/// What may be said of a custom event, and to whom.
enum EventSettings {
  static let receiver = Setting<String>(
    "event-source-url", environment: "VS_CUSTOM_HTTP_EVENT_SOURCE_URL", placeholder: "URL",
    default: "http://127.0.0.1:5000/customhttp", defaultText: "http://127.0.0.1:5000/customhttp",
    help: "Where vsd takes custom events; /customhttp is added to an address without a path."
  ) { text throws(SettingError) in
    let address = try WebAddress.server(text, example: "http://127.0.0.1:5000/customhttp")
    return WebAddress.path(address) == nil ? "\(address)/customhttp" : text
  }

  static let secret = Setting<Secret?>(
    "secret-key", environment: "VS_CUSTOM_HTTP_EVENT_SOURCE_SECRET", otherVariables: ["VS_CUSTOMHTTP_SECRET"],
    placeholder: "SECRET", default: nil, defaultText: nil,
    help: "What events are signed with, where vsd has a secret; a variable hides it from lists of processes."
  ) { text in
    // Several are for those who check; who signs takes the first.
    Secret(String(text.prefix { $0 != "," }))
  }

  static let type = Setting<String>.text(
    "type", environment: "", placeholder: "TYPE", default: "deploy",
    help: "What kind of work: deploy, build, job, release, incident, or a name of yours.")

  static let namespace = Setting<String>.text(
    "namespace", environment: "", placeholder: "NAME", default: "default",
    help: "What it belongs to. The full name of a repository makes one project of its builds and your deploys.")

  static let tag = Setting<EventTag?>(
    "tag", environment: "", placeholder: "TAG", default: nil, defaultText: nil,
    help:
      "A fact about it, such as team|web; as often as you like. With the first one user.name and user.username are told too."
  ) { text throws(SettingError) in
    guard let bar = text.firstIndex(of: "|"), bar > text.startIndex else {
      throw SettingError(expected: "a tag such as team|web")
    }
    return EventTag(name: String(text[..<bar]), value: String(text[text.index(after: bar)...]))
  }

  static let id = Setting<String?>.optionalText(
    "event-id", environment: "", placeholder: "ID", help: "Which one.")

  static let chosenID = Setting<String?>.optionalText(
    "event-id", environment: "", placeholder: "ID", help: "Its id, where you have one; else one is made up.")

  static let parent = Setting<String?>.optionalText(
    "parent-event-id", environment: "", placeholder: "ID",
    help: "What it is part of: the id of another event in the same namespace, or an id such as vstrace-github-issue-site-36.")

  static let error = Setting<Bool>.toggle("error", environment: "", help: "It failed.")

  static let outcome = Setting<Outcome?>(
    "outcome", environment: "", placeholder: "WORD", default: nil, defaultText: nil,
    help: "How it ended, where success and failure are not enough: cancellation, timeout, skip, ..."
  ) { text throws(SettingError) in
    guard let outcome = Outcome(rawValue: text) else {
      throw SettingError(expected: "one of \(Outcome.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return outcome
  }

  static let title = Setting<String?>.optionalText(
    "title", environment: "", placeholder: "TEXT", help: "What people call it; else it is NAMESPACE/ID.")

  static let environment = Setting<String?>.optionalText(
    "environment", environment: "", placeholder: "NAME", help: "Where it is deployed to: production.")

  static let service = Setting<String?>.optionalText(
    "service", environment: "", placeholder: "NAME", help: "What is deployed, or out of order.")

  static let link = Setting<String?>.optionalText(
    "link", environment: "", placeholder: "URL", help: "Where people look at it.")

  static let reference = Setting<String?>.optionalText(
    "reference", environment: "", placeholder: "NAME",
    help: "What it belongs to, best first: a commit hash, acme/site#12, an address, TP-3; as often as you like.")

  static let moment = Setting<String?>.optionalText(
    "moment", environment: "", placeholder: "NAME", help: "Something that happens now, within it: approval.")

  static let wait = Setting<Duration>.duration(
    "wait", environment: "", default: .seconds(10), text: "10s",
    help: "How long a vsd that is busy or away is asked again; 0 asks once.")

  /// Where to, and what every event says.
  private static let common = [
    receiver.declaration, secret.declaration, type.declaration, namespace.declaration, tag.declaration,
  ]
  private static let described = [
    title.declaration, environment.declaration, service.declaration, link.declaration, reference.declaration,
  ]

  static let start = common + [parent.declaration, chosenID.declaration] + described + [wait.declaration]
  static let end = common + [id.declaration, error.declaration, outcome.declaration] + described + [wait.declaration]
  static let annotate = common + [id.declaration, moment.declaration] + described + [wait.declaration]
}

/// A fact about an event.
struct EventTag: Sendable, Hashable {
  var name: String
  var value: String
}
