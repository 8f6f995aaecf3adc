/// The identity of one subject over its life: `<source>:<host>:<container>:<kind>:<id>`.
///
/// A key contains only what the vendor never changes, such as repository ids, issue numbers and run ids. A subject
/// therefore keeps its key when somebody renames its repository or moves the issue. Each part is percent-encoded, so `:`
/// always separates parts: `github:github.com:197483389:issue:36`, `jenkins:ci.acme.org:folder%2Fjob:build:252`.
///
/// If a script sends a name instead of an id, the part is the name behind `=`, as in `=site`. Such a key is a fallback:
/// once the subject is known under its full key, both are merged.
public struct SubjectKey: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The key in its encoded form.
  public let description: String

  /// Encodes each part and joins them into a key.
  public init(source: String, host: String, container: String, kind: String, id: String) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(source.utf8.count + host.utf8.count + container.utf8.count + kind.utf8.count + id.utf8.count + 4)
    PercentEncoding.append(source, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    PercentEncoding.append(host, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    PercentEncoding.append(container, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    PercentEncoding.append(kind, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    PercentEncoding.append(id, to: &bytes)
    description = String(decoding: bytes, as: UTF8.self)
  }

  /// Parses the encoded form.
  ///
  /// Only the characters are checked, not whether escapes are complete.
  ///
  /// - Returns: Nil unless the text has five parts of valid characters, and neither source, kind nor id is empty.
  public init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 5, !parts[0].isEmpty, !parts[3].isEmpty, !parts[4].isEmpty,
      text.utf8.allSatisfy({ PercentEncoding.isUnreserved($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "%") })
    else { return nil }
    description = text
  }

  /// Uses the text without checks, for stores that read back their own keys.
  package init(encoded text: String) {
    description = text
  }

  /// Everything up to and including the last `:`, which subjects of one container and kind share.
  package var space: Substring {
    let end = description.utf8.lastIndex(of: UInt8(ascii: ":")).map { description.utf8.index(after: $0) }
    return description[..<(end ?? description.startIndex)]
  }

  /// The encoded id: everything after the last `:`.
  public var encodedID: Substring {
    description[space.endIndex...]
  }

  /// The name of the source, as in routes, metrics and backends.
  public var source: String {
    let first = Substring(description.utf8.prefix { $0 != UInt8(ascii: ":") })
    let vendor = PercentEncoding.decode(first) ?? String(first)
    return Self.sourceNames[vendor] ?? vendor
  }

  /// The decoded host of the server; empty if the source has none.
  public var host: String {
    let parts = description.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count > 1 else { return "" }
    let host = Substring(parts[1])
    return PercentEncoding.decode(host) ?? String(host)
  }

  /// Sources whose keys start with another name: Jira's use the one from its classic ids.
  private static let sourceNames = ["jiracloud": "jira"]

  /// The display name of a subject without a name: its decoded container and id, or the id alone.
  package var plainName: String {
    let parts = description.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map(Substring.init)
    guard parts.count == 5, let container = PercentEncoding.decode(parts[2]), let id = PercentEncoding.decode(parts[4]) else {
      return description
    }
    return container.isEmpty ? id : "\(container)/\(id)"
  }

  /// True if a text is the ``plainName``. Does not make it, because most names differ from it.
  package func hasPlainName(_ text: String) -> Bool {
    let answer = description.utf8.withContiguousStorageIfAvailable { key in
      text.utf8.withContiguousStorageIfAvailable { text in
        Self.isPlainName(UnsafeRawBufferPointer(text), of: UnsafeRawBufferPointer(key))
      }
    }
    return ((answer ?? nil) ?? nil) ?? (text == plainName)
  }

  /// - Returns: nil if a part of the key is encoded.
  private static func isPlainName(_ text: UnsafeRawBufferPointer, of key: UnsafeRawBufferPointer) -> Bool? {
    var (count, second, third, fourth) = (0, 0, 0, 0)
    for index in key.indices {
      if key[index] == UInt8(ascii: "%") { return nil }
      guard key[index] == UInt8(ascii: ":") else { continue }
      count += 1
      switch count {
      case 2: second = index
      case 3: third = index
      case 4: fourth = index
      default: break
      }
    }
    guard count == 4 else { return nil }
    let (container, id) = (key[(second + 1)..<third], key[(fourth + 1)...])
    if container.isEmpty { return text.elementsEqual(id) }
    guard text.count == container.count + 1 + id.count, text[container.count] == UInt8(ascii: "/") else { return false }
    return text.prefix(container.count).elementsEqual(container) && text.suffix(id.count).elementsEqual(id)
  }

  /// True if a part is a name in place of an id, that is, starts with `=`.
  public var isFallback: Bool {
    description.utf8.withContiguousStorageIfAvailable(Self.hasFallbackPart) ?? Self.hasFallbackPart(Array(description.utf8))
  }

  private static func hasFallbackPart(_ key: some RandomAccessCollection<UInt8>) -> Bool {
    var previous = UInt8(ascii: ":")
    for byte in key {
      if byte == UInt8(ascii: "="), previous == UInt8(ascii: ":") { return true }
      previous = byte
    }
    return false
  }

  /// The part of a key for a subject that has a name but no id.
  public static func fallbackPart(_ name: String) -> String {
    "=" + name
  }

  /// Keys are ASCII, so two of them are equal only if their bytes are.
  public static func == (left: SubjectKey, right: SubjectKey) -> Bool {
    left.description.hasSameBytes(as: right.description)
  }

  public func hash(into hasher: inout Hasher) {
    description.hashBytes(into: &hasher)
  }

  // swift-format-ignore: NoLeadingUnderscores
  public func _rawHashValue(seed: Int) -> Int { TextHash.hash(of: description, seed: seed) }

  public static func < (left: SubjectKey, right: SubjectKey) -> Bool {
    left.description.order(to: right.description) < 0
  }
}

/// Percent-encoding as in RFC 3986, except that `=` and `@` also stay as they are.
package enum PercentEncoding {
  static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "="), UInt8(ascii: "@"):
      true
    default: false
    }
  }

  static func append(_ part: String, to bytes: inout [UInt8]) {
    for byte in part.utf8 {
      if isUnreserved(byte) {
        bytes.append(byte)
      } else {
        bytes.append(UInt8(ascii: "%"))
        bytes.append(digit(byte >> 4))
        bytes.append(digit(byte & 15))
      }
    }
  }

  /// The hexadecimal digit of a number below 16, in upper case.
  private static func digit(_ number: UInt8) -> UInt8 {
    number < 10 ? UInt8(ascii: "0") + number : UInt8(ascii: "A") - 10 + number
  }

  package static func encode(_ part: String) -> String {
    if part.utf8.allSatisfy(isUnreserved) { return part }
    var bytes: [UInt8] = []
    append(part, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Decodes percent-encoded text; nil if an escape is incomplete or not hexadecimal, or if the bytes are not UTF-8.
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
