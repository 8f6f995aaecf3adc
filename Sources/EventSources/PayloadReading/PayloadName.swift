package import ValueStreamCore

/// Checks ids, sources and similar texts that become parts of keys and references.
package enum PayloadName {
  /// The longest name in bytes. A longer one is a mistake of the sender.
  package static let limit = 1024

  /// Returns the name unchanged.
  ///
  /// - Throws: `missingIdentity` if the name is longer than ``limit``.
  package static func checked(_ text: String, path: String) throws(PayloadError) -> String {
    guard text.utf8.count <= limit else {
      throw PayloadError(.missingIdentity, path: path, reason: "expected at most \(limit) bytes")
    }
    return text
  }
}
