/// Addresses of issues in texts: `https://acme.atlassian.net/browse/TP-3`, `https://trello.com/c/k36dIsCo/36-discount`.
///
/// An address says which tracker is meant, where a key alone may be one of several trackers.
struct WrittenAddresses {
  /// The addresses as trackers publish them, in order, each once.
  private(set) var references: [Reference] = []
  /// The text with a space in the place of each of them.
  private(set) var rest: String

  /// Addresses of one text that count.
  private static let limit = 20
  /// Longer addresses are not looked at.
  private static let lengthLimit = 2048

  init(in text: String) {
    rest = text
    guard text.utf8.contains(UInt8(ascii: ":")) else { return }
    let bytes = Array(text.utf8)
    var kept: [UInt8] = []
    var copied = 0
    var index = 0
    while references.count < Self.limit, let colon = bytes[index...].firstIndex(of: UInt8(ascii: ":")) {
      index = colon + 1
      guard bytes[colon...].starts(with: "://".utf8) else { continue }
      let start = colon - bytes[copied..<colon].suffix(5).reversed().prefix(while: Self.isLetter).count
      index = colon + 3 + bytes[(colon + 3)...].prefix(Self.lengthLimit).prefix(while: Self.isAddress).count
      guard
        let reference = Self.issue(
          String(decoding: bytes[start..<colon], as: UTF8.self), String(decoding: bytes[(colon + 3)..<index], as: UTF8.self))
      else { continue }
      if !references.contains(reference) { references.append(reference) }
      kept += bytes[copied..<start] + [UInt8(ascii: " ")]
      copied = index
    }
    if !references.isEmpty { rest = String(decoding: kept + bytes[copied...], as: UTF8.self) }
  }

  /// The issue or card at an address; nil for any other page.
  private static func issue(_ scheme: String, _ address: String) -> Reference? {
    let scheme = scheme.lowercased()
    guard scheme == "https" || scheme == "http" else { return nil }
    let path = address.prefix { $0 != "?" && $0 != "#" }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count >= 3, !parts[0].isEmpty else { return nil }
    let host = parts[0].lowercased()
    if host == "trello.com" {
      return parts[1] == "c" && isShortLink(parts[2]) ? Reference(.address, "https://trello.com/c/\(parts[2])") : nil
    }
    guard let browse = parts.lastIndex(of: "browse"), browse + 1 < parts.count, browse <= 4,
      let key = IssueKey.all(in: String(parts[browse + 1])).first
    else { return nil }
    let page = ([host[...]] + parts[1...browse]).joined(separator: "/")
    return Reference(.address, "\(scheme)://\(page)/\(key)")
  }

  // MARK: Short links

  /// Trello's short links of cards in a short text such as the name of a branch: eight letters and digits of several kinds.
  static func shortLinks(in text: String) -> [String] {
    var links: [String] = []
    for word in text.utf8.split(whereSeparator: { !isLetterOrDigit($0) }) where word.count == 8 && links.count < 5 {
      let link = String(Substring(word))
      if isShortLink(link[...]), !links.contains(link) { links.append(link) }
    }
    return links
  }

  private static func isShortLink(_ text: Substring) -> Bool {
    let bytes = text.utf8
    guard bytes.count == 8, bytes.allSatisfy(isLetterOrDigit) else { return false }
    let hasSmall = bytes.contains { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
    let hasOther = bytes.contains { $0 < UInt8(ascii: "a") }
    return hasSmall && hasOther
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  /// Nothing else stands in an address that is written in a text.
  private static func isAddress(_ byte: UInt8) -> Bool {
    isLetterOrDigit(byte) || "-._~%/:?#[@!$&'*+,;=".utf8.contains(byte)
  }
}
