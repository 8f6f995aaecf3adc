/// Helpers for the addresses and headers of backends, as users set them.
package enum BackendAddress {
  /// Returns a URL with a path appended, with exactly one slash between them. The path starts with a slash.
  package static func appending(_ path: String, to url: String) -> String {
    (url.hasSuffix("/") ? String(url.dropLast()) : url) + path
  }

  /// True if a text is valid as a header value: it contains no control characters, so no line breaks.
  package static func isHeaderValue(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }
}
