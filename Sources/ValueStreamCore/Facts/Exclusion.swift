import FoundationEssentials

/// An item that a person can leave out of all numbers: a subject, or a direct change.
///
/// As text it is the key of the subject. A direct change has no subject: it is the key of its branch, `#`, and the commit at
/// which the push ended.
public struct ExcludedItem: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The key of the subject. For a direct change, the key of its branch.
  public let key: SubjectKey
  /// The id of a direct change. Nil for a subject.
  public let directChange: FactID?

  public init(_ key: SubjectKey) {
    self.key = key
    directChange = nil
  }

  /// - Parameters:
  ///   - id: the id of a fact about the item.
  ///   - key: the key of the subject of the fact.
  public init(_ id: FactID, key: SubjectKey) {
    self.key = key
    directChange = id.isDirect ? id : nil
  }

  /// Parses a text such as ``description`` gives. For a direct change, the full hash of the commit also stands after `#`.
  ///
  /// - Returns: nil unless the text is a key, or a key, `#`, and 16, 40 or 64 hexadecimal digits.
  public init?(_ text: String) {
    let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    guard text.utf8.count <= Self.longest, let first = parts.first, let key = SubjectKey(String(first)) else { return nil }
    self.key = key
    guard parts.count == 2 else {
      directChange = nil
      return
    }
    let digits = parts[1].lowercased()
    guard digits.utf8.allSatisfy({ Hex.value($0) != nil }) else { return nil }
    switch digits.utf8.count {
    case 16:
      guard let number = UInt64(digits, radix: 16), FactID(rawValue: number).isDirect else { return nil }
      directChange = FactID(rawValue: number)
    case 40, 64: directChange = FactID(directChangeOn: key, at: digits)
    default: return nil
    }
  }

  /// The key; for a direct change also `#` and its id in 16 hexadecimal digits.
  public var description: String {
    guard let directChange else { return key.description }
    let digits = String(directChange.rawValue, radix: 16)
    return "\(key)#\(String(repeating: "0", count: 16 - digits.utf8.count))\(digits)"
  }

  public static func < (left: ExcludedItem, right: ExcludedItem) -> Bool { left.description < right.description }

  /// The most bytes of an item as text.
  public static let longest = 2000
}

/// An item that a person left out of all numbers, and why.
public struct Exclusion: Sendable, Hashable {
  public var item: ExcludedItem
  /// The person's words.
  public var reason: String
  /// Who left it out, as they said. Empty if they did not.
  public var actor: String
  /// When vsd recorded it.
  public var time: Timestamp

  public init(item: ExcludedItem, reason: String, actor: String, time: Timestamp) {
    self.item = item
    self.reason = reason
    self.actor = actor
    self.time = time
  }

  /// The most exclusions that a store keeps. Reports look each of their rows up among them.
  public static let limit = 100_000
}

/// What a person decided about an item: to leave it out, or to take it back.
///
/// It is recorded in the delivery log as a delivery of source ``source`` whose body is ``encoded``. The last decision in the
/// order of the log counts, also if the item becomes known only later.
public struct ExclusionChange: Sendable, Hashable {
  public enum Action: String, Sendable, Hashable, CaseIterable {
    case exclude
    case include
  }

  /// The source of deliveries by operators. It has no webhook route, so no sender of webhooks can write such deliveries.
  public static let source = "operator"
  /// The most characters of a reason and of an actor.
  public static let longestReason = 500
  public static let longestActor = 200

  public var action: Action
  public var item: ExcludedItem
  /// Empty when an item is taken back without a reason.
  public var reason: String
  public var actor: String

  public init(_ action: Action, _ item: ExcludedItem, reason: String, actor: String) {
    self.action = action
    self.item = item
    self.reason = reason
    self.actor = actor
  }

  private struct Body: Codable {
    var action: String
    var item: String
    var reason: String?
    var actor: String?
  }

  /// The body of the delivery that records it.
  public var encoded: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.member("action", action.rawValue)
      json.member("item", item.description)
      json.member("reason", reason)
      json.member("actor", actor)
    }
    return json.bytes
  }

  /// Reads the body of a delivery.
  ///
  /// - Throws: ``PayloadError`` if it is not what ``encoded`` gives.
  public init(encoded bytes: [UInt8]) throws(PayloadError) {
    let body: Body
    do {
      body = try JSONDecoder().decode(Body.self, from: Data(bytes))
    } catch {
      throw PayloadError(.malformed, reason: "not a decision of an operator")
    }
    guard let action = Action(rawValue: body.action) else {
      throw PayloadError(.malformed, path: "$.action", reason: "expected exclude or include")
    }
    guard let item = ExcludedItem(body.item) else {
      throw PayloadError(.missingIdentity, path: "$.item", reason: "expected the key of an item")
    }
    self.init(action, item, reason: body.reason ?? "", actor: body.actor ?? "")
  }
}

/// The exclusions of a store, in memory: a few, read by every report.
package struct ExclusionTable: Sendable {
  /// An exclusion with the id of the facts about its item. Nil while the item is unknown.
  package struct Entry: Sendable, Hashable {
    package var exclusion: Exclusion
    package var fact: FactID?

    package init(_ exclusion: Exclusion, fact: FactID?) {
      self.exclusion = exclusion
      self.fact = fact
    }
  }

  package private(set) var entries: [ExcludedItem: Entry] = [:]
  /// The items whose facts are not known yet, by key.
  package private(set) var unknown: Set<SubjectKey> = []
  /// The reasons by facts.
  package private(set) var reasons: [FactID: String] = [:]
  /// Grows with each change.
  package private(set) var revision = 0

  package init(_ entries: [Entry] = []) {
    for entry in entries { set(entry) }
  }

  package mutating func set(_ entry: Entry) {
    let item = entry.exclusion.item
    remove(item)
    revision += 1
    entries[item] = entry
    if let fact = entry.fact ?? item.directChange {
      reasons[fact] = entry.exclusion.reason
    } else {
      unknown.insert(item.key)
    }
  }

  package mutating func remove(_ item: ExcludedItem) {
    guard let entry = entries.removeValue(forKey: item) else { return }
    revision += 1
    if let fact = entry.fact ?? item.directChange { reasons[fact] = nil }
    if item.directChange == nil { unknown.remove(item.key) }
  }

  /// All exclusions, by item.
  package var all: [Exclusion] { entries.values.map(\.exclusion).sorted { $0.item < $1.item } }
}
