import PayloadReading
import ValueStreamCore

/// The body of a delivery: one custom event or a list of them. If one event of a list is invalid, the whole list
/// fails.
struct CustomHTTPPayload {
  let events: [CustomHTTPEvent]

  /// The most events of a list, which become one write to the log. Longer lists are an error.
  static let eventLimit = 1000

  init(_ document: JSONDocument) throws(PayloadError) {
    let root = document.root
    guard root.isArray else {
      events = [try CustomHTTPEvent(root, path: "$")]
      return
    }
    let elements = root.elements
    guard !elements.isEmpty, elements.count <= Self.eventLimit else {
      throw PayloadError(.missingIdentity, reason: "expected from 1 to \(Self.eventLimit) events, found \(elements.count)")
    }
    var events: [CustomHTTPEvent] = []
    for (index, element) in elements.enumerated() { events.append(try CustomHTTPEvent(element, path: "$[\(index)]")) }
    self.events = events
  }
}
