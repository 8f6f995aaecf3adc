import PayloadReading
import ValueStreamCore

/// A tie that a sender states: within an event (`context.links`), or sent on its own.
///
/// Source: CDEvents, "Links".
struct CDEventsLink {
  enum Kind: Hashable {
    /// One event led to the next.
    case path
    /// The thing was set off by the other.
    case trigger
    /// Any other relation, by its name.
    case relation(String)
  }

  let kind: Kind
  /// The other end: what came before, or what is related.
  let references: [Reference]
  /// The event at this end, for a link on its own.
  private let follower: String?
  private let time: Timestamp?

  /// Longer names of relations are cut off.
  private static let nameLimit = 64

  /// A link within an event. Nil for one that leads nowhere, or on to another event, which tells it itself.
  init?(_ object: PayloadObject, of event: String?, from origin: CDEventsOrigin) {
    guard let (kind, near, far) = Self.ends(of: object), let far else { return nil }
    if let near, near.text("contextId")?.lowercased() != event?.lowercased() { return nil }
    references = Self.references(far, from: origin)
    if references.isEmpty { return nil }
    self.kind = kind
    follower = event
    time = nil
  }

  /// A link on its own; nil for what is none.
  ///
  /// - Parameter source: whose events it ties in the first place.
  init?(alone object: PayloadObject, source: String?) {
    guard !object.has("context"), object.text("linkType") != nil else { return nil }
    let ends = Self.ends(of: object)
    kind = ends?.kind ?? .path
    references = ends?.far.map { Self.references($0, from: source.map(CDEventsOrigin.init)) } ?? []
    follower = ends?.near.flatMap(Self.eventID)
    time = object.time("timestamp")
  }

  private static func ends(of object: PayloadObject) -> (kind: Kind, near: PayloadObject?, far: PayloadObject?)? {
    switch object.text("linkType")?.uppercased() {
    case "PATH": return (.path, object.object("to"), object.object("from"))
    case "END": return (.path, object.object("end"), object.object("from"))
    case "RELATION":
      let name = (object.text("linkKind") ?? "relation").lowercased()
      let kind = name == "trigger" ? Kind.trigger : .relation(String(name.prefix(nameLimit)))
      return (kind, object.object("source"), object.object("target"))
    // The beginning of a chain ties nothing to anything.
    default: return nil
    }
  }

  private static func references(_ node: PayloadObject, from origin: CDEventsOrigin?) -> [Reference] {
    if let id = eventID(node) { return Reference.events(id, from: origin) }
    return node.text("domainId").flatMap(DomainID.init)?.references ?? []
  }

  /// Nil for what is too long to be one.
  private static func eventID(_ node: PayloadObject) -> String? {
    node.text("contextId").flatMap { $0.utf8.count <= PayloadName.limit ? $0 : nil }
  }

  // MARK: On its own

  /// The follower is known by one of its events only, until that event comes.
  func interpretation(received: Timestamp) -> Interpretation {
    guard let follower, !references.isEmpty else {
      return .ignored(reason: "a link that ties no two events: things of one chain are tied by its id")
    }
    if case .relation = kind { return .ignored(reason: "a relation on its own that is no trigger") }
    let id = follower.lowercased()
    var event = Event(
      key: SpanKey(source: "cdevents", host: "", container: "", kind: "event", id: SpanKey.fallbackPart(id)),
      time: .vendor(time, orReceipt: received))
    event.publishes = [Reference(.beginning, id)]
    event.follows = [FollowStatement(.explicitID, references)]
    return .events([event])
  }
}

extension Reference {
  /// The thing that the event with this id is about. Ids are unique within their source only, so that of the same source is meant
  /// first; links do not say of which source the other event is.
  static func events(_ id: String, from origin: CDEventsOrigin?) -> [Reference] {
    let id = id.lowercased()
    return (origin.map { [Reference(.event, "\($0.text)/\(id)")] } ?? []) + [Reference(.event, id)]
  }
}
