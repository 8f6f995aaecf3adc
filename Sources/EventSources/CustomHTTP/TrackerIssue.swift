import PayloadReading
import ValueStreamCore

/// An issue of a tracker by its key: `TP-3`, or the address of its page, `https://acme.atlassian.net/browse/TP-3`.
struct TrackerIssue {
  private let key: String
  /// Without what is not part of its name: user, query, fragment.
  private let page: String?

  init?(_ text: String) {
    guard CustomHTTPReference.isAddress(text) else {
      guard Self.isKey(text[...]) else { return nil }
      (key, page) = (text, nil)
      return
    }
    guard let (host, rest) = WebAddress.split(text) else { return nil }
    let parts = rest.prefix { $0 != "?" && $0 != "#" }.split(separator: "/")
    guard parts.count >= 2, parts[parts.count - 2] == "browse", let last = parts.last, Self.isKey(last) else { return nil }
    key = String(last)
    let scheme = text.hasPrefix("https:") ? "https" : "http"
    page = "\(scheme)://\(host)/\(parts.joined(separator: "/"))"
  }

  /// The page says of which server; the key alone may be that of an issue elsewhere.
  var references: [Reference] {
    (page.map { [Reference(.address, $0)] } ?? []) + [Reference(.issue, key)]
  }

  private static func isKey(_ text: Substring) -> Bool { IssueKey.all(in: String(text)) == [String(text)] }
}
