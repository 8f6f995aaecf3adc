import PayloadReading
import ValueStreamCore

/// A link that a sender states, in an event (`context.links`) or on its own.
///
/// Source: CDEvents, "Links".
struct CDEventsLink {
  enum Kind: Hashable {
    /// One event led to the next.
    case path
    /// The other subject triggered this one.
    case trigger
    /// Any other relation, by its name in lower case.
    case relation(String)
  }

  let kind: Kind
  /// The far end: what came before, or the related subject.
  let references: [Reference]
  /// The id of the event at the near end.
  private let follower: String?
  private let time: Timestamp?

  /// The most characters of a relation's name. The rest is cut off.
  private static let nameLimit = 64

  /// Reads a link in an event. Nil if it refers to nothing.
  ///
  /// Also nil if its near end is another event, which reports the link itself.
  init?(_ object: PayloadObject, of event: String?, from origin: CDEventsOrigin) {
    guard let (kind, near, far) = Self.ends(of: object), let far else { return nil }
    if let near, near.text("contextId")?.lowercased() != event?.lowercased() { return nil }
    references = Self.references(far, from: origin)
    if references.isEmpty { return nil }
    self.kind = kind
    follower = event
    time = nil
  }

  /// Reads a link that was sent on its own. Nil if the object is not such a link.
  ///
  /// - Parameter source: the source of the link. Events of this source are looked for first.
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
    // The start of a chain connects nothing.
    default: return nil
    }
  }

  private static func references(_ node: PayloadObject, from origin: CDEventsOrigin?) -> [Reference] {
    if let id = eventID(node) { return Reference.events(id, from: origin) }
    return node.text("domainId").flatMap(DomainID.init)?.references ?? []
  }

  /// Returns the id of an event. Nil if it is missing or too long.
  private static func eventID(_ node: PayloadObject) -> String? {
    node.text("contextId").flatMap { $0.utf8.count <= PayloadName.limit ? $0 : nil }
  }

  // MARK: Links on their own

  /// Returns an event for the follower, which is known only by the id of one of its events.
  ///
  /// When that event arrives, the two become one subject.
  func interpretation(received: Timestamp) -> Interpretation {
    guard let follower, !references.isEmpty else {
      return .ignored(reason: "a link that ties no two events: things of one chain are tied by its id")
    }
    if case .relation = kind { return .ignored(reason: "a relation on its own that is no trigger") }
    let id = follower.lowercased()
    var event = Event(
      key: SubjectKey(source: "cdevents", host: "", container: "", kind: "event", id: SubjectKey.fallbackPart(id)),
      time: .vendor(time, orReceipt: received))
    event.publishes = [Reference(.beginning, id)]
    event.follows = [FollowStatement(.explicitID, references)]
    return .events([event])
  }
}

extension Reference {
  /// Returns the aliases of the subject that an event is about, by the id of the event.
  ///
  /// Ids are unique only within a source, and links do not name the source of the other event. The same source
  /// therefore comes first.
  static func events(_ id: String, from origin: CDEventsOrigin?) -> [Reference] {
    let id = id.lowercased()
    return (origin.map { [Reference(.event, "\($0.text)/\(id)")] } ?? []) + [Reference(.event, id)]
  }
}
