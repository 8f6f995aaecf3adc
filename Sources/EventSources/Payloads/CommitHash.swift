import ValueStreamCore

/// The names of Git's commits.
package enum CommitHash {
  /// A text that is a whole hash, of SHA-1 or SHA-256, in lower case; nil for any other.
  package static func whole(_ text: String) -> String? {
    guard [40, 64].contains(text.utf8.count), text.utf8.allSatisfy({ Hex.value($0) != nil }) else { return nil }
    return text.lowercased()
  }

  /// A text that is a whole hash, or at least the first seven characters of one, in lower case; nil for any other.
  package static func abbreviated(_ text: String) -> String? {
    guard (7...64).contains(text.utf8.count), text.utf8.allSatisfy({ Hex.value($0) != nil }) else { return nil }
    return text.lowercased()
  }
}
