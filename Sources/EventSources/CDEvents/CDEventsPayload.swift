import PayloadReading
import ValueStreamCore

/// What an event says of itself; where it is silent, what its envelope says.
struct CDEventsContext {
  let id: String?
  let source: String?
  let type: String?
  let time: Timestamp?
  /// The object of that name; nil in scripts that have only headers.
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

  /// The id of the chain, in lower case.
  func chainID() throws(PayloadError) -> String? {
    guard let text = object?.text("chainId") else { return nil }
    return try PayloadName.checked(text, path: "\(path).chainId").lowercased()
  }

  /// - Throws: when there is an id, and it is too long for one.
  func checkID() throws(PayloadError) {
    if let id { _ = try PayloadName.checked(id, path: "\(path).id") }
  }

  func require(_ text: String?, _ name: StaticString, expected: String) throws(PayloadError) -> String {
    if let text { return try PayloadName.checked(text, path: "\(path).\(name)") }
    throw object?.missing(name, expected: expected)
      ?? PayloadError(.missingIdentity, path: "\(path).\(name)", reason: "expected \(expected), found nothing")
  }
}

/// One event of CDEvents, in any version from 0.3 on.
///
/// Source: the specification's "Common Metadata" and "Vocabulary", versions 0.3, 0.4 and 0.5.
struct CDEventsPayload {
  let context: CDEventsContext
  let type: CDEventsType
  let root: PayloadObject
  /// Where the event comes from.
  let contextOrigin: CDEventsOrigin
  /// Where the thing lives that the event is about, and its id there.
  let origin: CDEventsOrigin
  /// That as it was sent, without user and password.
  let source: String
  let id: String
  /// What is told of the thing.
  let content: PayloadObject
  let links: [CDEventsLink]
  /// In lower case.
  let chainID: String?

  /// - Parameters:
  ///   - root: the data of the event.
  ///   - envelope: what stands in where that is silent.
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
    // Scripts leave the level away.
    content = subject?.object("content") ?? subject ?? root
    chainID = try context.chainID()
    let links = (context.object?.objects("links") ?? []).prefix(Self.linkLimit)
    self.links = links.compactMap { [contextOrigin] in CDEventsLink($0, of: context.id, from: contextOrigin) }
  }

  /// More links of one event are not read.
  private static let linkLimit = 100

  /// The id of a thing; scripts send numbers.
  static func identifier(_ object: PayloadObject) -> String? {
    object.identifier().map(CDEventsIdentifier.withoutUser)
  }

  /// The artifact that the content names.
  var artifact: String? { content.text("artifactId").map(CDEventsIdentifier.withoutUser) }

  /// Another thing that the content names: its id, and where it lives, which is where this one does unless it says so.
  func other(_ name: StaticString) -> (id: String, origin: CDEventsOrigin)? {
    guard let object = content.object(name), let id = Self.identifier(object) else { return nil }
    return (id, object.text("source").map(CDEventsOrigin.init) ?? origin)
  }

  /// The address of the thing; its name changed with version 0.4.
  var address: String? { address("uri") ?? address("url") }

  /// An address in the content, without user and password, which may be a key.
  func address(_ name: StaticString) -> String? { content.text(name).map(WebAddress.withoutUser) }
}

// MARK: Custom data

extension CDEventsPayload {
  /// More members are not looked at.
  private static let customLimit = 100

  /// The first classic id in the custom data.
  var classicID: String? {
    if let text = root.string("customData") { return ClassicID.find(in: text) }
    return root.object("customData")?.value.members.prefix(Self.customLimit).lazy
      .compactMap { $0.value.string.flatMap(ClassicID.find) }.first
  }

  /// The commit that the custom data holds, in lower case: CDEvents have no member for it.
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
