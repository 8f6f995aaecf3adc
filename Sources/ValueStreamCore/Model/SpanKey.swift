/// The identity of one thing over its life: `<source>:<host>:<container>:<kind>:<id>`.
///
/// Made only of what a vendor never changes (repository ids, issue numbers, run ids), so a renamed repository or a moved
/// issue stays itself. Every part is percent-encoded, so the text splits at `:` without doubt:
/// `github:github.com:197483389:issue:36`, `jenkins:ci.acme.org:folder%2Fjob:build:252`.
///
/// Where a script sends no id, a name marked with `=` stands in its place (`=site`). Such a key is a fallback: when the
/// thing becomes known under its full key, both are one.
public struct SpanKey: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The encoded text of the key.
  public let description: String

  /// Makes a key from raw parts and encodes each.
  public init(source: String, host: String, container: String, kind: String, id: String) {
    var text = ""
    text.reserveCapacity(source.utf8.count + host.utf8.count + container.utf8.count + kind.utf8.count + id.utf8.count + 4)
    PercentEncoding.append(source, to: &text)
    text += ":"
    PercentEncoding.append(host, to: &text)
    text += ":"
    PercentEncoding.append(container, to: &text)
    text += ":"
    PercentEncoding.append(kind, to: &text)
    text += ":"
    PercentEncoding.append(id, to: &text)
    description = text
  }

  /// Reads the encoded form; nil unless it has exactly five correctly encoded parts, a source, a kind and an id.
  public init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 5, !parts[0].isEmpty, !parts[3].isEmpty, !parts[4].isEmpty,
      text.utf8.allSatisfy({ PercentEncoding.isUnreserved($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "%") })
    else { return nil }
    description = text
  }

  /// Trusts the text: for stores that read back what they wrote.
  package init(encoded text: String) {
    description = text
  }

  /// Everything up to and including the last `:`; things of one repository and kind share it.
  package var space: Substring {
    let end = description.utf8.lastIndex(of: UInt8(ascii: ":")).map { description.utf8.index(after: $0) }
    return description[..<(end ?? description.startIndex)]
  }

  /// The encoded id: what follows the last `:`.
  public var encodedID: Substring {
    description[space.endIndex...]
  }

  /// The source's name, as routes, metrics and backends have it.
  public var source: String {
    let first = Substring(description.utf8.prefix { $0 != UInt8(ascii: ":") })
    let vendor = PercentEncoding.decode(first) ?? String(first)
    return Self.sourceNames[vendor] ?? vendor
  }

  /// The server it is known to, decoded; empty where the source has none.
  public var host: String {
    let parts = description.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count > 1 else { return "" }
    let host = Substring(parts[1])
    return PercentEncoding.decode(host) ?? String(host)
  }

  /// Sources whose keys begin with another name than theirs: the one that classic ids of Jira have.
  private static let sourceNames = ["jiracloud": "jira"]

  /// What a thing is called that nobody gave a name: its container and id, decoded, or the id alone.
  package var plainName: String {
    let parts = description.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map(Substring.init)
    guard parts.count == 5, let container = PercentEncoding.decode(parts[2]), let id = PercentEncoding.decode(parts[4]) else {
      return description
    }
    return container.isEmpty ? id : "\(container)/\(id)"
  }

  /// True when a name stands where an id belongs (a part begins with `=`).
  public var isFallback: Bool {
    var previous = UInt8(ascii: ":")
    for byte in description.utf8 {
      if byte == UInt8(ascii: "="), previous == UInt8(ascii: ":") { return true }
      previous = byte
    }
    return false
  }

  /// A part made from a name because the sender gave no id.
  public static func fallbackPart(_ name: String) -> String {
    "=" + name
  }

  public static func < (left: SpanKey, right: SpanKey) -> Bool {
    left.description < right.description
  }
}

/// Percent-encoding as in RFC 3986; only unreserved characters, `=` and `@` stay as they are.
package enum PercentEncoding {
  static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "="), UInt8(ascii: "@"):
      true
    default: false
    }
  }

  static func append(_ part: String, to text: inout String) {
    if part.utf8.allSatisfy(isUnreserved) {
      text += part
      return
    }
    let digits = Array("0123456789ABCDEF".unicodeScalars)
    for byte in part.utf8 {
      if isUnreserved(byte) {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += "%"
        text.unicodeScalars.append(digits[Int(byte >> 4)])
        text.unicodeScalars.append(digits[Int(byte & 15)])
      }
    }
  }

  package static func encode(_ part: String) -> String {
    var text = ""
    append(part, to: &text)
    return text
  }

  /// Nil when an escape is cut short, is not hexadecimal, or the bytes are not UTF-8.
  package static func decode(_ text: Substring) -> String? {
    if !text.utf8.contains(UInt8(ascii: "%")) { return String(text) }
    var bytes: [UInt8] = []
    var iterator = text.utf8.makeIterator()
    while let byte = iterator.next() {
      if byte == UInt8(ascii: "%") {
        guard let high = iterator.next().flatMap(Hex.value), let low = iterator.next().flatMap(Hex.value) else { return nil }
        bytes.append(high << 4 | low)
      } else {
        bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
