/// The names of Git's commits.
package enum CommitHash {
  /// As few characters as Git abbreviates one to.
  package static let shortLength = 7
  /// Of SHA-1 and of SHA-256.
  private static let lengths = [40, 64]

  /// A text that is a whole hash, in lower case; nil for any other.
  package static func whole(_ text: String) -> String? {
    lengths.contains(text.utf8.count) ? abbreviated(text) : nil
  }

  /// A text that is a whole hash, or at least the first seven characters of one, in lower case; nil for any other.
  package static func abbreviated(_ text: String) -> String? {
    guard (shortLength...64).contains(text.utf8.count), text.utf8.allSatisfy({ Hex.value($0) != nil }) else { return nil }
    return text.lowercased()
  }
}
