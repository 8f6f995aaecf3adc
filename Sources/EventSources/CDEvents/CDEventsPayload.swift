import PayloadReading
import ValueStreamCore

/// The context of an event. Attributes of the CloudEvents envelope stand in for members that it lacks.
struct CDEventsContext {
  let id: String?
  let source: String?
  let type: String?
  let time: Timestamp?
  /// The member `context`. Nil for scripts that send only headers.
  let object: PayloadObject?
  private let path: String

  init(_ event: CloudEvent) {
    object = event.data?.object("context")
    path = "\(event.data?.path ?? "$").context"
    id = object?.text("id") ?? event.attributes.id
    source = object?.text("source") ?? event.attributes.source
    type = object?.text("type") ?? event.attributes.type
    time = object?.time("timestamp") ?? event.attributes.time.flatMap { Timestamp(rfc3339: $0) }
  }

  var deliveryID: String? { CloudEventAttributes.deliveryID(source: source, id: id) }

  func requireType() throws(PayloadError) -> String {
    try require(type, "type", expected: "a type such as dev.cdevents.pipelinerun.started.0.3.0")
  }

  func requireID() throws(PayloadError) -> String { try require(id, "id", expected: "a text that is not empty") }

  /// Returns the id of the chain in lower case. Nil if there is none.
  ///
  /// - Throws: if it is too long.
  func chainID() throws(PayloadError) -> String? {
    guard let text = object?.text("chainId") else { return nil }
    return try PayloadName.checked(text, path: "\(path).chainId").lowercased()
  }

  /// Checks the length of the id.
  ///
  /// - Throws: if there is an id and it is too long.
  func checkID() throws(PayloadError) {
    if let id { _ = try PayloadName.checked(id, path: "\(path).id") }
  }

  func require(_ text: String?, _ name: StaticString, expected: String) throws(PayloadError) -> String {
    if let text { return try PayloadName.checked(text, path: "\(path).\(name)") }
    throw object?.missing(name, expected: expected)
      ?? PayloadError(.missingIdentity, path: "\(path).\(name)", reason: "expected \(expected), found nothing")
  }
}

/// One CDEvent of any version from 0.3.
///
/// Source: the specification's "Common Metadata" and "Vocabulary", versions 0.3, 0.4 and 0.5.
struct CDEventsPayload {
  let context: CDEventsContext
  let type: CDEventsType
  let root: PayloadObject
  /// The origin of the event.
  let contextOrigin: CDEventsOrigin
  /// The origin of the subject. Its `id` is unique there.
  let origin: CDEventsOrigin
  /// The source of the subject as sent, without user and password.
  let source: String
  let id: String
  /// The members that describe the subject.
  let content: PayloadObject
  let links: [CDEventsLink]
  /// The id of the chain in lower case.
  let chainID: String?

  /// Reads an event.
  ///
  /// - Parameters:
  ///   - root: the data of the event.
  ///   - envelope: the attributes that stand in for a missing subject id.
  /// - Throws: if source or subject id is missing, or if a name is too long.
  init(
    _ root: PayloadObject, envelope: CloudEventAttributes, _ context: CDEventsContext, type: CDEventsType
  ) throws(PayloadError) {
    self.context = context
    self.type = type
    self.root = root
    try context.checkID()
    let subject = root.object("subject")
    let source = try context.require(context.source, "source", expected: "a text that is not empty")
    contextOrigin = CDEventsOrigin(source)
    if let own = subject?.text("source") {
      self.source = WebAddress.withoutUser(try PayloadName.checked(own, path: "\(root.path).subject.source"))
      origin = CDEventsOrigin(own)
    } else {
      self.source = WebAddress.withoutUser(source)
      origin = contextOrigin
    }
    guard let id = subject.flatMap(Self.identifier) ?? envelope.subject.map(CDEventsIdentifier.withoutUser) else {
      throw subject?.missing("id", expected: "a text that is not empty") ?? root.missing("subject", expected: "an object")
    }
    self.id = try PayloadName.checked(id, path: "\(root.path).subject.id")
    // Scripts may leave out `content` and `subject`, and put the members one level higher.
    content = subject?.object("content") ?? subject ?? root
    chainID = try context.chainID()
    let links = (context.object?.objects("links") ?? []).prefix(Self.linkLimit)
    self.links = links.compactMap { [contextOrigin] in CDEventsLink($0, of: context.id, from: contextOrigin) }
  }

  /// The most links of an event to read.
  private static let linkLimit = 100

  /// Returns the id of a subject. Scripts may send a number.
  static func identifier(_ object: PayloadObject) -> String? {
    object.identifier().map(CDEventsIdentifier.withoutUser)
  }

  /// The artifact in the content.
  var artifact: String? { content.text("artifactId").map(CDEventsIdentifier.withoutUser) }

  /// Returns the id and origin of another subject in the content. Without a `source`, its origin is that of this
  /// subject.
  func other(_ name: StaticString) -> (id: String, origin: CDEventsOrigin)? {
    guard let object = content.object(name), let id = Self.identifier(object) else { return nil }
    return (id, object.text("source").map(CDEventsOrigin.init) ?? origin)
  }

  /// The address of the subject's page. Since version 0.4 the member is `uri`, before it was `url`.
  var address: String? { address("uri") ?? address("url") }

  /// Returns an address in the content. Removes user and password, which may be secret.
  func address(_ name: StaticString) -> String? { content.text(name).map(WebAddress.withoutUser) }
}

// MARK: Custom data

extension CDEventsPayload {
  /// The most members to search.
  private static let customLimit = 100

  /// The first classic id in the custom data.
  var classicID: String? {
    if let text = root.string("customData") { return ClassicID.find(in: text) }
    return root.object("customData")?.value.members.prefix(Self.customLimit).lazy
      .compactMap { $0.value.string.flatMap(ClassicID.find) }.first
  }

  /// The commit in the custom data, in lower case. CDEvents have no member for it.
  var commit: String? {
    guard let data = root.object("customData") else { return nil }
    let nested = data.object("commit")
    let texts = [
      nested?.text("sha"), nested?.text("id"), data.text("commit"), data.text("commitSha"), data.text("commit_sha"),
      data.text("commitId"), data.text("gitCommit"), data.text("git_commit"), data.text("sha"), data.text("revision"),
    ]
    return texts.lazy.compactMap { $0.flatMap(CommitHash.whole) }.first
  }
}
