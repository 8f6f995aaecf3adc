/// A kind of sender, such as GitHub or Jenkins: verifies the signatures of its deliveries and parses them.
///
/// A source is a stateless value. The result of ``events(in:)`` must depend on the delivery alone, because vsd parses
/// deliveries again after a crash and when somebody replays the log with an improved mapping.
public protocol EventSource: Sendable {
  /// A short lower-case name: the service name of the source's spans and the `source` label of its metrics.
  var name: String { get }

  /// The path that accepts deliveries of this source, such as `/github`.
  var route: String { get }

  /// Names of the headers that the log keeps with a delivery. Must not include headers that carry secrets.
  var keptHeaders: [String] { get }

  /// True if the source accepts deliveries that anybody could forge. vsd warns about it at start.
  var acceptsUnsigned: Bool { get }

  /// The status of the response to a delivery that is authenticated but cannot be parsed. Nil for the status of the error.
  ///
  /// Use 200 for vendors that disable a webhook after a 4xx response.
  var unreadableStatus: Int? { get }

  /// True if the vendor sends a `HEAD` request before it creates a webhook. Such requests get a 200 response.
  var answersHead: Bool { get }

  /// Verifies that the delivery comes from the claimed sender.
  ///
  /// The errors `missing` and `malformed` must depend on the headers alone: before the server reads a large body, it
  /// calls this method with a placeholder body and rejects the delivery on these two errors.
  ///
  /// - Throws: if the signature is missing or wrong. The delivery then gets a 401 response and is counted, but not logged.
  func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError)

  /// Returns the id that the vendor repeats when it sends the same delivery again. Nil if it has none.
  func deliveryID(of delivery: Delivery) -> String?

  /// Parses the delivery into events.
  ///
  /// - Throws: if the delivery cannot be parsed. The log keeps it together with the reason.
  func events(in delivery: Delivery) throws(PayloadError) -> Interpretation
}

extension EventSource {
  public var unreadableStatus: Int? { nil }
  public var answersHead: Bool { false }
}

/// Why authentication of a delivery failed. The reason is logged and counted; the sender gets no details.
public struct AuthenticationError: Error, Sendable, Hashable {
  public enum Code: String, Sendable, Hashable {
    /// The delivery has no signature but needs one.
    case missing
    /// The signature has a form that the source does not know.
    case malformed
    /// No configured secret produces this signature.
    case mismatch
    /// The signed time is too far from the clock of this machine.
    case expired
  }

  public var code: Code
  /// The name of the header that was checked.
  public var header: String

  public init(_ code: Code, header: String) {
    self.code = code
    self.header = header
  }
}

/// Computes hashes and message authentication codes, and compares bytes in constant time.
///
/// The HTTP server implements this with the system's cryptography library.
public protocol MessageAuthenticator: Sendable {
  func digest(_ algorithm: HashAlgorithm, of message: [UInt8]) -> [UInt8]
  func authenticationCode(_ algorithm: HashAlgorithm, of message: [UInt8], key: [UInt8]) -> [UInt8]
  /// Compares in a time that does not depend on where the two differ.
  func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool
}

public enum HashAlgorithm: Sendable, Hashable {
  case sha256
  /// Only for vendors that offer nothing stronger (Trello).
  case sha1
}

/// A shared secret. Prints as `<secret>`, so that it does not end up in a log by accident.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public let bytes: [UInt8]

  /// Nil if the text is empty: an empty secret would accept every delivery.
  public init?(_ text: String) {
    guard !text.isEmpty else { return nil }
    bytes = Array(text.utf8)
  }

  public var description: String { "<secret>" }
  public var debugDescription: String { "<secret>" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
