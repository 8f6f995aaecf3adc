/// A kind of sender: knows how its deliveries are signed and what they mean.
///
/// A source is a value without state. ``events(in:)`` depends on nothing but the delivery, because deliveries are read
/// again after a crash and when a better mapping is replayed.
public protocol EventSource: Sendable {
  /// Short lower-case name: the service name of its spans, the label of its metrics.
  var name: String { get }

  /// Path that takes its deliveries: `/github`.
  var route: String { get }

  /// Headers kept with the delivery in the log. Never one that carries a secret.
  var keptHeaders: [String] { get }

  /// True when deliveries cannot be told from forgeries; named in a warning at start.
  var acceptsUnsigned: Bool { get }

  /// What an authenticated but unreadable delivery is answered with; nil for the status of the error.
  ///
  /// 200 for vendors that switch off a hook that answers 4xx.
  var unreadableStatus: Int? { get }

  /// True for vendors that ask with `HEAD` whether somebody listens before they make a hook: such a request is answered 200.
  var answersHead: Bool { get }

  /// Checks that the delivery comes from who it says.
  ///
  /// `missing` and `malformed` are about headers alone: the server asks with a body that nobody signed before it reads a large
  /// one, and refuses the delivery on these.
  ///
  /// - Throws: when the signature is missing or wrong. The delivery is then answered 401 and counted, and not kept.
  func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError)

  /// The id under which the vendor would send the same delivery again; nil when it has none.
  func deliveryID(of delivery: Delivery) -> String?

  /// What the delivery means.
  ///
  /// - Throws: when it cannot be read; it is then kept with the reason.
  func events(in delivery: Delivery) throws(PayloadError) -> Interpretation
}

extension EventSource {
  public var unreadableStatus: Int? { nil }
  public var answersHead: Bool { false }
}

/// Why a delivery is not believed. The reason is logged and counted, never sent to the sender in detail.
public struct AuthenticationError: Error, Sendable, Hashable {
  public enum Code: String, Sendable, Hashable {
    /// A signature is required and none was sent.
    case missing
    /// The signature's form is not one the source knows.
    case malformed
    /// No secret gives this signature.
    case mismatch
    /// The signed time is too far from ours.
    case expired
  }

  public var code: Code
  /// Name of the header that was looked at.
  public var header: String

  public init(_ code: Code, header: String) {
    self.code = code
    self.header = header
  }
}

/// Hashes, keyed hashes, and comparison in constant time. Implemented on the system's library at the HTTP edge.
public protocol MessageAuthenticator: Sendable {
  func digest(_ algorithm: HashAlgorithm, of message: [UInt8]) -> [UInt8]
  func authenticationCode(_ algorithm: HashAlgorithm, of message: [UInt8], key: [UInt8]) -> [UInt8]
  /// Takes the same time wherever the two differ.
  func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool
}

public enum HashAlgorithm: Sendable, Hashable {
  case sha256
  /// Only for vendors that offer nothing better (Trello).
  case sha1
}

/// A shared secret. Prints as `<secret>`, so that it never reaches a log by accident.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public let bytes: [UInt8]

  /// Nil when empty: an empty secret would accept everything.
  public init?(_ text: String) {
    guard !text.isEmpty else { return nil }
    bytes = Array(text.utf8)
  }

  public var description: String { "<secret>" }
  public var debugDescription: String { "<secret>" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
