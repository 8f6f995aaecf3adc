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

  /// Makes a mark.
  ///
  /// - Returns: nil unless the id is `import:<kind>:<id>:<version>`, each part not empty and of visible ASCII characters.
  public init?(id: String, time: Timestamp) {
    guard id.utf8.count <= Self.longestID, id.hasPrefix("import:") else { return nil }
    // Every delivery of an import comes through here twice, in the importer and in vsd, so this makes no parts.
    var colons = 0
    var last = UInt8(ascii: ":")
    for byte in id.utf8 {
      guard byte > 0x20, byte < 0x7F else { return nil }
      if byte == UInt8(ascii: ":") {
        if last == byte { return nil }
        colons += 1
      }
      last = byte
    }
    guard colons >= 3, last != UInt8(ascii: ":") else { return nil }
    self.id = id
    self.time = time
  }

  /// Parses the value of the header.
  ///
  /// - Returns: nil unless it is an id as in ``init(id:time:)``, a space, and a time as in RFC 3339.
  public init?(_ text: String) {
    guard let space = text.utf8.firstIndex(of: UInt8(ascii: " ")),
      let time = Timestamp(rfc3339: text[text.utf8.index(after: space)...])
    else { return nil }
    self.init(id: String(text[..<space]), time: time)
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
