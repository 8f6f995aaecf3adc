/// Finds URLs of issues in texts: `https://acme.atlassian.net/browse/TP-3`, `https://trello.com/c/k36dIsCo/36-discount`.
///
/// A URL identifies the tracker, while a key alone may exist in several trackers.
struct WrittenAddresses {
  /// The URLs as trackers publish them, in order, without duplicates.
  private(set) var references: [Reference] = []
  /// The text with a space in place of each URL.
  private(set) var rest: String

  /// The maximum number of URLs from one text.
  private static let limit = 20
  /// The maximum length of a URL, in bytes.
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

  /// Returns the issue or card at a URL. Nil for any other page.
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

  /// Returns up to 5 short links of Trello cards in a short text such as a branch name.
  ///
  /// A short link has eight characters: small letters mixed with capitals or digits.
  static func shortLinks(in text: String) -> [String] {
    var links: [String] = []
    for word in text.utf8.split(whereSeparator: { !isLetterOrDigit($0) }) where word.count == 8 && links.count < 5 {
      let link = String(Substring(word))
      if isMixed(word), !links.contains(link) { links.append(link) }
    }
    return links
  }

  private static func isShortLink(_ text: Substring) -> Bool {
    text.utf8.count == 8 && text.utf8.allSatisfy(isLetterOrDigit)
  }

  /// True for small letters mixed with capitals behind the first character, or with digits. `Discount` is a word.
  private static func isMixed(_ text: Substring.UTF8View) -> Bool {
    let isSmall = { (byte: UInt8) in (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    return text.contains(where: isSmall) && text.dropFirst().contains { !isSmall($0) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  /// True for characters that a URL in a text may contain.
  private static func isAddress(_ byte: UInt8) -> Bool {
    isLetterOrDigit(byte) || "-._~%/:?#[@!$&'*+,;=".utf8.contains(byte)
  }
}
