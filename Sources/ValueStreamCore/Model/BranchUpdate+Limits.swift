extension BranchUpdate {
  /// Upper bounds on the parts of one update. Vendors stay far below them.
  public enum Limit {
    /// Bytes of the hash of a commit. A SHA-256 has 64 hexadecimal digits.
    public static let commitBytes = 64
    /// The services that one commit changes.
    public static let services = 256
    /// Bytes of the name of a service.
    public static let serviceBytes = 256
  }

  /// Upper bound on the ``weight`` of one update. GitHub lists up to 2,048 commits, whose ids take about 130 KB.
  public static let byteLimit = 256 << 10

  /// The approximate size in bytes.
  package var weight: Int { commits.reduce(64 + branch.description.utf8.count) { $0 + $1.weight } }

  /// Returns the update with everything beyond the limits left out.
  ///
  /// Leaves out hashes that are too long, the services of commits that change too many, and the oldest commits of an update
  /// that is too large. The result depends on this update alone. An update within the limits is returned unchanged.
  package func limited() -> BranchUpdate {
    var update = self
    update.branch = branch.limited
    update.before = before.flatMap { $0.utf8.count <= Limit.commitBytes ? $0 : nil }
    update.after = after.flatMap { $0.utf8.count <= Limit.commitBytes ? $0 : nil }
    update.commits.removeAll { $0.id.utf8.count > Limit.commitBytes }
    for index in update.commits.indices where update.commits[index].hasTooManyServices { update.commits[index].services = nil }
    var excess = update.weight - Self.byteLimit
    let oldest = update.commits.prefix { commit in
      guard excess > 0 else { return false }
      excess -= commit.weight
      return true
    }
    update.commits.removeFirst(oldest.count)
    update.isCutShort = isCutShort || update.commits.count < commits.count
    return update
  }
}

extension BranchCommit {
  fileprivate var weight: Int { (services ?? []).reduce(24 + id.utf8.count) { $0 + 16 + $1.utf8.count } }

  fileprivate var hasTooManyServices: Bool {
    guard let services else { return false }
    return services.count > BranchUpdate.Limit.services
      || services.contains { $0.utf8.count > BranchUpdate.Limit.serviceBytes }
  }
}
