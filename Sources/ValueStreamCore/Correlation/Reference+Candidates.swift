extension Reference {
  /// The references that this one may stand for, best first.
  ///
  /// Several for a classic id found in text or a fallback key, the short form for a short hash, otherwise the reference itself.
  var candidates: [Reference] {
    switch kind {
    case .classicID:
      let ids = ClassicID.candidates(in: value)
      return ids.isEmpty ? [self] : ids.map { Reference(.classicID, $0) }
    case .shortCommit: return [Reference(.shortCommit, String(value.prefix(CommitHash.shortLength)))]
    case .key where isFallbackKey: return [self, Reference(.fallbackKey, value)]
    default: return [self]
    }
  }

  private var isFallbackKey: Bool { SubjectKey(encoded: value).isFallback }

  /// The number of ``candidates``.
  var candidateCount: Int {
    switch kind {
    case .classicID: max(1, ClassicID.candidateCount(in: value))
    case .key where isFallbackKey: 2
    default: 1
    }
  }

  // MARK: Short hashes

  /// The reference by which a commit is found from the start of its hash. Nil for other references.
  var shortCommit: Reference? {
    guard kind == .commit, value.utf8.count > CommitHash.shortLength else { return nil }
    return Reference(.shortCommit, String(value.prefix(CommitHash.shortLength)))
  }

  /// The reference as a short commit if it is an abbreviated hash, otherwise unchanged.
  var recognizingShortCommit: Reference {
    guard kind == .commit, CommitHash.whole(value) == nil, let short = CommitHash.abbreviated(value) else { return self }
    return Reference(.shortCommit, short)
  }
}
