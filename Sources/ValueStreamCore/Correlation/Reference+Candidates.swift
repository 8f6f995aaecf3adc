extension Reference {
  /// The references that this one may stand for, best first; itself unless it is a classic id found in text, or a short hash.
  var candidates: [Reference] {
    switch kind {
    case .classicID:
      let ids = ClassicID.candidates(in: value)
      return ids.isEmpty ? [self] : ids.map { Reference(.classicID, $0) }
    case .shortCommit: return [Reference(.shortCommit, String(value.prefix(Self.shortCommitLength)))]
    default: return [self]
    }
  }

  // MARK: Short hashes

  /// How many characters of a hash are indexed: as few as Git abbreviates one to.
  private static let shortCommitLength = 7

  /// Of SHA-1 and of SHA-256.
  private static let hashLengths = [40, 64]

  /// The name under which a commit is found by the beginning of its hash; nil of anything else.
  var shortCommit: Reference? {
    guard kind == .commit, value.utf8.count > Self.shortCommitLength else { return nil }
    return Reference(.shortCommit, String(value.prefix(Self.shortCommitLength)))
  }

  /// A commit that is not given by its whole hash, as that; any other as it is.
  var recognizingShortCommit: Reference {
    let length = value.utf8.count
    guard kind == .commit, length >= Self.shortCommitLength, !Self.hashLengths.contains(length),
      value.utf8.allSatisfy({ Hex.value($0) != nil })
    else { return self }
    return Reference(.shortCommit, value)
  }
}
