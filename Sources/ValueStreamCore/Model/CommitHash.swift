/// Checks and normalizes the hashes of Git commits.
package enum CommitHash {
  /// The smallest number of characters that counts as an abbreviated hash: Git's default.
  package static let shortLength = 7
  /// Hexadecimal digits of a SHA-1 and of a SHA-256 hash.
  private static let lengths = [40, 64]

  /// Returns a full hash in lower case; nil for any other text.
  package static func whole(_ text: String) -> String? {
    lengths.contains(text.utf8.count) ? abbreviated(text) : nil
  }

  /// Returns a full hash, or one abbreviated to seven characters or more, in lower case; nil for any other text.
  package static func abbreviated(_ text: String) -> String? {
    guard (shortLength...64).contains(text.utf8.count), text.utf8.allSatisfy({ Hex.value($0) != nil }) else { return nil }
    return text.lowercased()
  }
}
