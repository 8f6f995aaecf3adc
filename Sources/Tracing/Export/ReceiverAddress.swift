/// Addresses and headers of receivers, as users set them.
package enum ReceiverAddress {
  /// A URL with a path behind it, whether it ends with a slash or not.
  package static func appending(_ path: String, to url: String) -> String {
    (url.hasSuffix("/") ? String(url.dropLast()) : url) + path
  }

  /// True for what may stand as a header's value: anything without a line's end.
  package static func isHeaderValue(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }
}
