import PayloadReading
import ValueStreamCore

/// Builds tags of classic spans. The Go ValueStream did not read CDEvents, so the tags are few, and the same for all
/// subjects.
enum CDEventsClassicTags {
  static func all(_ payload: CDEventsPayload) -> [Attribute] {
    var tags = ClassicTags(service: "cdevents")
    tags.add("event.type", payload.type.subject)
    tags.add("event.state", payload.type.predicate)
    tags.add("subject.id", payload.id)
    tags.add("subject.source", payload.source)
    return tags.attributes
  }
}
