import PayloadReading
import ValueStreamCore

/// An issue of a tracker, by its key or its page: `TP-3` or `https://acme.atlassian.net/browse/TP-3`.
struct TrackerIssue {
  private let key: String
  /// The address of the page without user, query and fragment.
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

  /// The aliases of the issue. The page comes first, because it names the server: another server may have an issue
  /// with the same key.
  var references: [Reference] {
    (page.map { [Reference(.address, $0)] } ?? []) + [Reference(.issue, key)]
  }

  private static func isKey(_ text: Substring) -> Bool { IssueKey.all(in: String(text)) == [String(text)] }
}
