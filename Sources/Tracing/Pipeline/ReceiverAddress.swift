package import ValueStreamCore

/// Addresses and headers of receivers, as users set them.
package enum ReceiverAddress {
  /// An absolute URL; the error gives an example.
  package static func url(_ text: String, example: String) throws(SettingError) -> String {
    let lower = text.lowercased()
    guard let scheme = ["http://", "https://"].first(where: lower.hasPrefix), lower.count > scheme.count,
      text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
    else { throw SettingError(expected: "a URL such as \(example)") }
    return text
  }

  /// A URL with a path behind it, whether it ends with a slash or not.
  package static func appending(_ path: String, to url: String) -> String {
    (url.hasSuffix("/") ? String(url.dropLast()) : url) + path
  }

  /// True for what may stand as a header's value: anything without a line's end.
  package static func isHeaderValue(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }
}
