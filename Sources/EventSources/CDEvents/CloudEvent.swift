import FoundationEssentials
import PayloadReading
import ValueStreamCore

/// One event in its CloudEvents envelope, in any of the HTTP modes.
///
/// - Binary mode: the attributes are in headers, and the body is the data. Scripts may leave out the headers.
/// - Structured mode: the body has the attributes, and the data as `data` or `data_base64`.
/// - Batch mode: the body is a list of structured events.
///
/// The shape of the body decides on the mode. The Content-Type is not used.
///
/// Source: CloudEvents 1.0, "HTTP Protocol Binding" and "JSON Event Format".
struct CloudEvent {
  let attributes: CloudEventAttributes
  /// The data. Nil for an event of another specification, whose data may have any form.
  let data: PayloadObject?

  /// The most events in a batch. Longer batches are an error.
  private static let batchLimit = 1000

  /// Returns the events in a delivery.
  ///
  /// - Throws: if the body is neither an event nor a list of events, or the list is empty or too long.
  static func events(in delivery: Delivery) throws(PayloadError) -> [CloudEvent] {
    let headers = CloudEventAttributes(delivery.headers)
    if headers.isForeign { return [CloudEvent(foreign: headers)] }
    let root = try PayloadBody.document(of: delivery).root
    if let object = PayloadObject(root, path: "$") { return [try CloudEvent(object, headers: headers)] }
    let elements = root.elements
    guard !elements.isEmpty else {
      throw PayloadError(.missingIdentity, reason: "expected an event, or a list of events that is not empty")
    }
    guard elements.count <= batchLimit else {
      throw PayloadError(.missingIdentity, reason: "expected at most \(batchLimit) events, found \(elements.count)")
    }
    var events: [CloudEvent] = []
    for (index, element) in elements.enumerated() {
      guard let object = PayloadObject(element, path: "$[\(index)]") else {
        throw PayloadError(.missingIdentity, path: "$[\(index)]", reason: "expected an object")
      }
      events.append(try CloudEvent(object, headers: CloudEventAttributes()))
    }
    return events
  }

  private init(foreign attributes: CloudEventAttributes) {
    (self.attributes, data) = (attributes, nil)
  }

  private init(_ object: PayloadObject, headers: CloudEventAttributes) throws(PayloadError) {
    // A CDEvent has `context`, with its version in it, so this is the data without an envelope.
    guard !object.has("context"), object.text("specversion") != nil else {
      (attributes, data) = (headers, object)
      return
    }
    attributes = CloudEventAttributes(object)
    data = attributes.isForeign ? nil : try Self.data(of: object)
  }

  private static func data(of object: PayloadObject) throws(PayloadError) -> PayloadObject {
    if let data = object.object("data") { return data }
    if let text = object.value["data_base64"]?.string { return try document(inBase64: text, path: "\(object.path).data_base64") }
    guard let text = object.value["data"]?.string else { throw object.missing("data", expected: "an object") }
    let path = "\(object.path).data"
    // CloudEvents before 1.0 marked Base64 with this member.
    if object.text("datacontentencoding") == "base64" { return try document(inBase64: text, path: path) }
    return try document(Array(text.utf8), path: path)
  }

  private static func document(inBase64 text: String, path: String) throws(PayloadError) -> PayloadObject {
    guard let data = Data(base64Encoded: text) else {
      throw PayloadError(.malformed, path: path, reason: "expected base64")
    }
    return try document(Array(data), path: path)
  }

  private static func document(_ bytes: [UInt8], path: String) throws(PayloadError) -> PayloadObject {
    let document: JSONDocument
    do throws(PayloadError) {
      document = try JSONDocument(bytes)
    } catch {
      throw PayloadError(error.code, path: path, reason: error.reason)
    }
    guard let object = PayloadObject(document.root, path: path) else {
      throw PayloadError(.missingIdentity, path: path, reason: "expected an object")
    }
    return object
  }
}

/// The attributes of an envelope. They stand in for what the event lacks.
struct CloudEventAttributes {
  var id: String?
  var source: String?
  var type: String?
  var subject: String?
  var time: String?

  /// Creates attributes that are all nil.
  init() {}

  /// Reads the attributes from headers, whose values are percent-encoded.
  init(_ headers: HTTPHeaders) {
    func value(_ name: String) -> String? {
      guard let text = headers[name], !text.isEmpty else { return nil }
      return PercentEncoding.decode(text[...]) ?? text
    }
    id = value(CloudEventHeader.id)
    source = value(CloudEventHeader.source)
    type = value(CloudEventHeader.type)
    subject = value(CloudEventHeader.subject)
    time = value(CloudEventHeader.time)
  }

  fileprivate init(_ object: PayloadObject) {
    id = object.text("id")
    source = object.text("source")
    type = object.text("type")
    subject = object.text("subject")
    time = object.text("time")
  }

  /// True if the type is not one of CDEvents. False if there is no type.
  var isForeign: Bool { type.map { !CDEventsType.isOurs($0) } ?? false }

  /// Source and id in one text. Nil if one of them is missing.
  var deliveryID: String? { Self.deliveryID(source: source, id: id) }

  static func deliveryID(source: String?, id: String?) -> String? {
    guard let source, let id else { return nil }
    return "\(WebAddress.withoutUser(source)) \(id)"
  }
}

enum CloudEventHeader {
  static let id = "ce-id"
  static let source = "ce-source"
  static let type = "ce-type"
  static let subject = "ce-subject"
  static let time = "ce-time"

  static let all = [id, source, type, subject, time]
}
