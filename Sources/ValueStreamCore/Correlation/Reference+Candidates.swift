extension Reference {
  /// The references that this one may stand for, best first; itself unless it is a classic id found in text, or a short hash.
  var candidates: [Reference] {
    switch kind {
    case .classicID:
      let ids = ClassicID.candidates(in: value)
      return ids.isEmpty ? [self] : ids.map { Reference(.classicID, $0) }
    case .shortCommit: return [Reference(.shortCommit, String(value.prefix(CommitHash.shortLength)))]
    default: return [self]
    }
  }

  // MARK: Short hashes

  /// The name under which a commit is found by the beginning of its hash; nil of anything else.
  var shortCommit: Reference? {
    guard kind == .commit, value.utf8.count > CommitHash.shortLength else { return nil }
    return Reference(.shortCommit, String(value.prefix(CommitHash.shortLength)))
  }

  /// A commit that is not given by its whole hash, as that; any other as it is.
  var recognizingShortCommit: Reference {
    guard kind == .commit, CommitHash.whole(value) == nil, let short = CommitHash.abbreviated(value) else { return self }
    return Reference(.shortCommit, short)
  }
}
