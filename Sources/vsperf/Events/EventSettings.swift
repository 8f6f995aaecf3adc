import CurlTransport
import CustomHTTP
import Intake
import IntakeClient
import ValueStreamCore

/// The settings of custom events and of the vsd that receives them.
enum EventSettings {
  static let receiver = Setting<String>(
    "event-source-url", environment: "VS_CUSTOM_HTTP_EVENT_SOURCE_URL", placeholder: "URL",
    default: "http://127.0.0.1:5000/customhttp", defaultText: "http://127.0.0.1:5000/customhttp",
    help: "URL to which custom events are posted. /customhttp is appended to an address without a path."
  ) { text throws(SettingError) in
    let address = try WebAddress.server(text, example: "http://127.0.0.1:5000/customhttp")
    return WebAddress.path(address) == nil ? "\(address)/customhttp" : text
  }

  static let secret = Setting<Secret?>(
    "secret-key", environment: "VS_CUSTOM_HTTP_EVENT_SOURCE_SECRET", otherVariables: ["VS_CUSTOMHTTP_SECRET"],
    placeholder: "SECRET", default: nil, defaultText: nil,
    help: "Secret to sign events with, if vsd has one. Prefer the variable: process lists show flags."
  ) { text in
    // vsd accepts a list of secrets; a sender signs with the first one.
    Secret(String(text.prefix { $0 != "," }))
  }

  static let type = Setting<String>.text(
    "type", environment: "", placeholder: "TYPE", default: "deploy",
    help: "Kind of work: deploy, build, job, release, incident, or a name of your own.")

  static let namespace = Setting<String>.text(
    "namespace", environment: "", placeholder: "NAME", default: "default",
    help: "Project of the event. Use the repository's full name to keep its builds and your deploys in one project.")

  static let tag = Setting<CustomEvent.Tag?>(
    "tag", environment: "", placeholder: "TAG", default: nil, defaultText: nil,
    help:
      "Attribute to add, such as team|web. Repeat for more. The first tag also adds user.name and user.username."
  ) { text throws(SettingError) in
    guard let bar = text.firstIndex(of: "|"), bar > text.startIndex else {
      throw SettingError(expected: "a tag such as team|web")
    }
    return CustomEvent.Tag(name: String(text[..<bar]), value: String(text[text.index(after: bar)...]))
  }

  static let id = Setting<String?>.optionalText(
    "event-id", environment: "", placeholder: "ID", help: "Id of the event, as vsperf event start printed it.")

  static let chosenID = Setting<String?>.optionalText(
    "event-id", environment: "", placeholder: "ID", help: "Id of the event. Without it, one is generated.")

  static let parent = Setting<String?>.optionalText(
    "parent-event-id", environment: "", placeholder: "ID",
    help: "Parent: the id of another event in the same namespace, or a classic id such as vstrace-github-issue-site-36.")

  static let error = Setting<Bool>.toggle("error", environment: "", help: "Report a failure.")

  static let outcome = Setting<Outcome?>(
    "outcome", environment: "", placeholder: "WORD", default: nil, defaultText: nil,
    help: "Outcome, where success and failure are not enough: cancellation, timeout, skip, ..."
  ) { text throws(SettingError) in
    guard let outcome = Outcome(rawValue: text) else {
      throw SettingError(expected: "one of \(Outcome.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return outcome
  }

  static let title = Setting<String?>.optionalText(
    "title", environment: "", placeholder: "TEXT", help: "Name to show, in place of NAMESPACE/ID.")

  static let environment = Setting<String?>.optionalText(
    "environment", environment: "", placeholder: "NAME", help: "Environment it deploys to, such as production.")

  static let service = Setting<String?>.optionalText(
    "service", environment: "", placeholder: "NAME", help: "Service that is deployed, or that the incident affects.")

  static let link = Setting<String?>.optionalText(
    "link", environment: "", placeholder: "URL", help: "URL of its page.")

  static let reference = Setting<String?>.optionalText(
    "reference", environment: "", placeholder: "NAME",
    help: "What it belongs to: a commit hash, acme/site#12, a URL, TP-3. Repeat for more, best first.")

  static let spanEvent = Setting<String?>.optionalText(
    "moment", environment: "", placeholder: "NAME", help: "Name of a span event to add now, such as approval.")

  static let wait = Setting<Duration>.duration(
    "wait", environment: "", default: .seconds(10), text: "10s",
    help: "How long to retry while vsd is busy or away. 0 tries once.")

  /// The settings that all event commands share.
  private static let common = [
    receiver.declaration, secret.declaration, type.declaration, namespace.declaration, tag.declaration,
  ]
  private static let described = [
    title.declaration, environment.declaration, service.declaration, link.declaration, reference.declaration,
  ]

  static let start = common + [parent.declaration, chosenID.declaration] + described + [wait.declaration]
  static let end = common + [id.declaration, error.declaration, outcome.declaration] + described + [wait.declaration]
  static let annotate = common + [id.declaration, spanEvent.declaration] + described + [wait.declaration]
}

extension EventSender {
  /// Creates a sender for the vsd of the settings.
  init(_ settings: Settings) throws {
    self.init(
      receiver: try settings.value(of: EventSettings.receiver), secret: try settings.value(of: EventSettings.secret),
      patience: try settings.value(of: EventSettings.wait), transport: CurlTransport(),
      authenticator: try SystemMessageAuthenticator())
  }
}
