package import ValueStreamCore

/// Ids, sources and the like: the texts that keys and references are made of.
package enum PayloadName {
  /// One of more bytes is a mistake.
  package static let limit = 1024

  /// The name as it is.
  ///
  /// - Throws: when it is longer than ``limit``.
  package static func checked(_ text: String, path: String) throws(PayloadError) -> String {
    guard text.utf8.count <= limit else {
      throw PayloadError(.missingIdentity, path: path, reason: "expected at most \(limit) bytes")
    }
    return text
  }
}
