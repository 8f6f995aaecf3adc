package import ValueStreamCore

/// A custom event in the format of vsd. Docs/sources/custom-http.md describes its members.
package struct CustomEvent: Sendable {
  package enum Action: String, Sendable { case start, end, annotate }

  /// A name and value attached to an event.
  package struct Tag: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  package var id: String
  package var action: Action
  package var type: String
  package var namespace: String
  package var parent: String?
  /// When the work began, for an event that ends it.
  package var startedAt: Timestamp?
  package var time: Timestamp
  package var isError = false
  package var outcome: Outcome?
  package var title: String?
  package var environment: String?
  package var service: String?
  package var link: String?
  package var references: [String]
  package var tags: [Tag]
  package var attributes: [Attribute] = []
  /// The name of a span event to add at ``time``.
  package var spanEvent: String?

  package init(
    _ action: Action, id: String, type: String, namespace: String, time: Timestamp, references: [String] = [], tags: [Tag] = []
  ) {
    self.action = action
    self.id = id
    self.type = type
    self.namespace = namespace
    self.time = time
    self.references = references
    self.tags = tags
  }

  /// The key of the subject that the event is about.
  package var key: SubjectKey { SubjectKey(source: "customhttp", host: "", container: namespace, kind: type, id: id) }

  /// The event as vsd takes it.
  package var json: [UInt8] {
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
}
