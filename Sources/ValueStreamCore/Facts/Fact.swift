/// A row of delivery data, from which reports are computed: a change, a deploy, an incident, an issue or a run.
///
/// Facts derive from subjects, follow their corrections, and stay after the spans of a subject are removed. Rows are
/// small and have few strings: texts and subjects are numbers (``FactName``, ``FactID``) that a ``FactStore`` resolves.
public protocol Fact: Sendable, Hashable {
  static var kind: FactKind { get }

  /// The subject that the fact is about. One subject can have several facts of a kind.
  var id: FactID { get }

  /// The UTC day under which the fact is kept, usually that of its end.
  ///
  /// Nil while the subject of the fact is open: facts without a day are found in every period.
  var day: FactDay? { get }

  /// Writes all members in a fixed order. Changing it needs a new ``FactFormat/version``.
  func write(to writer: inout FactWriter)

  /// - Throws: ``DamagedFact`` if the bytes end too early or hold an impossible value.
  init(from reader: inout FactReader) throws(DamagedFact)
}

/// The kinds of facts. Raw values are stored.
public enum FactKind: UInt8, Sendable, Hashable, CaseIterable {
  case change = 1
  case deploy = 2
  case deliveredChange = 3
  case incident = 4
  case issue = 5
  case run = 6
}

/// The format in which facts are stored.
public enum FactFormat {
  /// Raise it when a fact gets, loses or changes a member. Stores then compute all facts again.
  ///
  /// Facts whose subjects are gone cannot be computed again, so a migration of the stores has to convert them.
  public static let version = 1
}

/// The place of a subject in a store, as an id in facts. Never reused.
///
/// A direct change has no subject. Its id derives from its branch and commit and has the greatest bit set.
public struct FactID: Sendable, Hashable, Comparable, RawRepresentable {
  public var rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public static func < (left: FactID, right: FactID) -> Bool { left.rawValue < right.rawValue }

  static let directBit: UInt64 = 1 << 63

  /// The id of a direct change: the greatest bit, and the first 63 bits of SHA-256 over the key of the branch, a space and
  /// the head commit of the push.
  package init(directChangeOn branch: SubjectKey, at commit: String) {
    rawValue = SHA256.hash(of: "\(branch) \(commit)").word(at: 0) >> 1 | Self.directBit
  }

  /// The id of a subject that a store of facts knows, but no log and no span store any more. Greater than every place.
  package init(goneSubject key: SubjectKey) {
    rawValue = SHA256.hash(of: "gone \(key)").word(at: 0) >> 2 | 1 << 62
  }

  /// True for an id that derives from the key of a subject that is gone.
  package var isOfGoneSubject: Bool { rawValue >> 62 == 1 }

  /// True for a direct change, which has no subject.
  public var isDirect: Bool { rawValue & Self.directBit != 0 }
}

/// A text in facts, such as the name of a service, as a number that a ``FactStore`` gives and resolves.
public struct FactName: Sendable, Hashable, Comparable, RawRepresentable {
  public var rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// No text is known.
  public static let none = FactName(rawValue: 0)

  public var isKnown: Bool { rawValue != 0 }

  /// The maximum number of texts in a store. Senders can choose texts freely.
  public static let limit = 4_000_000
  /// The text that stands for all beyond ``limit``.
  public static let other = "other"

  public static func < (left: FactName, right: FactName) -> Bool { left.rawValue < right.rawValue }
}

/// A UTC day, counted from 1970-01-01, which is 0.
public struct FactDay: Sendable, Hashable, Comparable, RawRepresentable {
  public var rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public init(_ time: Timestamp) {
    rawValue = Int32(truncatingIfNeeded: time.seconds / 86_400)
  }

  public static func < (left: FactDay, right: FactDay) -> Bool { left.rawValue < right.rawValue }
}

/// The first eight bytes of a commit's hash, enough to tell commits apart.
public struct CommitPrefix: Sendable, Hashable, RawRepresentable {
  public var rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The commit is unknown.
  public static let none = CommitPrefix(rawValue: 0)

  public var isKnown: Bool { rawValue != 0 }

  /// - Parameter hash: at least 16 hexadecimal digits.
  /// - Returns: ``none`` for anything else.
  public init(hash: String) {
    rawValue = hash.utf8.count < 16 ? 0 : UInt64(hash.prefix(16), radix: 16) ?? 0
  }
}
