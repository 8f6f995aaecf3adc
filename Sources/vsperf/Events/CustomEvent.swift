import Glibc
import ValueStreamCore

/// A custom event in the format of vsd. Docs/sources/custom-http.md describes its members.
struct CustomEvent: Sendable {
  enum Action: String, Sendable {
    case start, end, annotate
  }

  var id: String
  var action: Action
  var type: String
  var namespace: String
  var parent: String?
  var startedAt: Timestamp?
  var time: Timestamp
  var isError = false
  var outcome: Outcome?
  var title: String?
  var environment: String?
  var service: String?
  var link: String?
  var references: [String]
  var tags: [EventTag]
  var attributes: [Attribute] = []
  var spanEvent: String?

  /// Creates an event from the settings that all event commands share.
  init(_ action: Action, id: String, time: Timestamp, _ settings: Settings) throws(SettingsError) {
    self.action = action
    self.id = id
    self.time = time
    type = try settings.value(of: EventSettings.type)
    namespace = try settings.value(of: EventSettings.namespace)
    parent = try settings.value(of: EventSettings.parent)
    title = try settings.value(of: EventSettings.title)
    environment = try settings.value(of: EventSettings.environment)
    service = try settings.value(of: EventSettings.service)
    link = try settings.value(of: EventSettings.link)
    references = try settings.values(of: EventSettings.reference).compactMap { $0 }
    let given = try settings.values(of: EventSettings.tag).compactMap { $0 }
    tags = given.isEmpty ? [] : Self.userTags.filter { user in !given.contains { $0.name == user.name } } + given
  }

  var key: SubjectKey {
    SubjectKey(source: "customhttp", host: "", container: namespace, kind: type, id: id)
  }

  var json: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.member("id", id)
      json.member("action", action.rawValue)
      json.member("type", type)
      json.member("namespace", namespace)
      if let startedAt { json.member("startedAt", startedAt.rfc3339) }
      json.member("time", time.rfc3339)
      if isError { json.member("error", true) }
      let texts = [
        ("parentId", parent), ("outcome", outcome?.rawValue), ("name", title), ("environment", environment), ("service", service),
        ("url", link),
      ]
      for (name, text) in texts {
        if let text { json.member(name, text) }
      }
      if !references.isEmpty {
        json.name("references")
        json.array(references) { $0.value($1) }
      }
      if !tags.isEmpty {
        json.name("metadata")
        json.object { json in for tag in tags { json.member(tag.name, tag.value) } }
      }
      if !attributes.isEmpty {
        json.name("attributes")
        json.object { json in
          for attribute in attributes {
            json.name(attribute.name)
            json.value(attribute.value)
          }
        }
      }
      if let spanEvent {
        json.name("moments")
        json.array([spanEvent]) { json, name in
          json.object { json in
            json.member("name", name)
            json.member("time", time.rfc3339)
          }
        }
      }
    }
    return json.bytes
  }

  /// The name and login of the current user, as the operating system knows them.
  private static var userTags: [EventTag] {
    guard let entry = getpwuid(getuid()), let login = entry.pointee.pw_name else { return [] }
    // The first field of the description is the full name, which Go's `os/user` also assumes.
    let description = entry.pointee.pw_gecos.map { String(cString: $0) } ?? ""
    let name = description.split(separator: ",", omittingEmptySubsequences: false).first.map(String.init) ?? ""
    return [EventTag(name: "user.name", value: name), EventTag(name: "user.username", value: String(cString: login))]
  }
}
