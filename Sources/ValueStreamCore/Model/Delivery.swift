/// One request from a source.
public struct Delivery: Sendable, Hashable {
  /// Name of the source it was sent to: `github`.
  public var source: String
  /// The id under which the vendor sends it again; nil when the same content may mean another occurrence.
  public var id: String?
  /// When it was received, by our clock. Kept with the delivery, so that reading it again gives the same events.
  public var received: Timestamp
  public var headers: HTTPHeaders
  /// The body after content decoding (gzip), byte for byte otherwise.
  public var body: [UInt8]

  public init(source: String, id: String? = nil, received: Timestamp, headers: HTTPHeaders, body: [UInt8]) {
    self.source = source
    self.id = id
    self.received = received
    self.headers = headers
    self.body = body
  }
}

/// What a delivery means.
public enum Interpretation: Sendable, Hashable {
  case events([Event], branchUpdates: [BranchUpdate] = [])
  /// Understood, and of no interest to delivery: a ping, an unsupported event type. The reason is for people.
  case ignored(reason: String)
}

/// Why a payload cannot be read.
public struct PayloadError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    /// Not JSON, or not the document the source sends: 400.
    case malformed
    /// Neither JSON nor a form: 415.
    case unsupportedMediaType
    /// JSON that lacks what identifies the thing, or says of it what cannot be: 422.
    case missingIdentity
  }

  public var code: Code
  /// Where in the document, as a JSON path: `$.issue.number`. `$` when the whole is meant.
  public var path: String
  /// What is wrong there, and what was expected.
  public var reason: String

  public init(_ code: Code, path: String = "$", reason: String) {
    self.code = code
    self.path = path
    self.reason = reason
  }

  public var description: String { "\(path): \(reason)" }
}
