/// The mark of a delivery that an importer made from a vendor's records, long after the event.
///
/// It is the value of the header ``header``: an id, a space, and a time. The time says when the content was current and stands for the time
/// of receipt, because the time of the import says nothing about the event.
///
/// Only the import route keeps the header, and only if the importer has signed it. So no webhook in the log carries the mark.
public struct ImportMark: Sendable, Hashable, CustomStringConvertible {
  /// Identifies the record: `import:<kind>:<id>:<version>`. The same id with the same body is a duplicate.
  public let id: String
  public let time: Timestamp

  /// The name of the header.
  public static let header = "ValueStream-Import"

  /// The most bytes of an id.
  public static let longestID = 500

  /// Parses the value of the header.
  ///
  /// - Returns: nil unless it is `import:<kind>:<id>:<version>`, each part not empty and of visible ASCII characters, a space, and
  ///   a time as in RFC 3339.
  public init?(_ text: String) {
    let sides = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    guard sides.count == 2, let time = Timestamp(rfc3339: String(sides[1])), sides[0].utf8.count <= Self.longestID,
      sides[0].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    let parts = sides[0].split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[0] == "import", parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    id = String(sides[0])
    self.time = time
  }

  /// The value of the header.
  public var description: String { "\(id) \(time.rfc3339)" }
}

extension Delivery {
  /// Nil for a delivery that its vendor or a script sent.
  public var importMark: ImportMark? { headers[ImportMark.header].flatMap { ImportMark($0) } }

  /// True for a delivery that an importer made.
  public var isImported: Bool { headers[ImportMark.header] != nil }

  /// The delivery as a mapping reads it: an imported one as if it had arrived when its content was current.
  package var asMapped: Delivery {
    guard let mark = importMark else { return self }
    var delivery = self
    delivery.received = mark.time
    return delivery
  }
}
