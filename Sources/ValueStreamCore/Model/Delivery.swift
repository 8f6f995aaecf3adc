/// One request from a sender.
public struct Delivery: Sendable, Hashable {
  /// The name of the source that received it, such as `github`.
  public var source: String
  /// The id under which the sender repeats this delivery.
  ///
  /// Nil if the same content can report another occurrence; such a delivery is never a duplicate.
  public var id: String?
  /// When vsd received the delivery, by its own clock. The log keeps it, so that replay gives the same events.
  public var received: Timestamp
  public var headers: HTTPHeaders
  /// The body after content decoding (gzip), otherwise byte for byte as sent.
  public var body: [UInt8]

  public init(source: String, id: String? = nil, received: Timestamp, headers: HTTPHeaders, body: [UInt8]) {
    self.source = source
    self.id = id
    self.received = received
    self.headers = headers
    self.body = body
  }
}

/// What a source reads from a delivery.
public enum Interpretation: Sendable, Hashable {
  case events([Event], branchUpdates: [BranchUpdate] = [])
  /// An operator leaves an item out of all numbers, or takes it back.
  case exclusion(ExclusionChange)
  /// A valid delivery that contributes nothing, such as a ping or an unsupported event type. The reason is for people.
  case ignored(reason: String)
}

/// Why a source cannot read a payload.
public struct PayloadError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    /// The body is not JSON, or not the kind of document that the source sends. Answered with status 400.
    case malformed
    /// The body is neither JSON nor a form. Answered with status 415.
    case unsupportedMediaType
    /// The JSON lacks what identifies the subject, or holds impossible values. Answered with status 422.
    case missingIdentity
  }

  public var code: Code
  /// The place in the document as a JSON path, such as `$.issue.number`; `$` for the whole document.
  public var path: String
  /// What is wrong at ``path``, and what the source expected.
  public var reason: String

  public init(_ code: Code, path: String = "$", reason: String) {
    self.code = code
    self.path = path
    self.reason = reason
  }

  public var description: String { "\(path): \(reason)" }
}
