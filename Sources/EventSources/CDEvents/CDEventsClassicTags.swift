import PayloadReading
import ValueStreamCore

/// The tags of classic spans. The Go ValueStream knew no CDEvents; these are few, and the same for every subject.
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
