/// Finds the subjects below another one.
extension TraceReader {
  /// The maximum number of followers to read for the children of one subject, or of one tree.
  ///
  /// Those who follow a name of a subject need not be its children: a name may have several publishers, and a follower may
  /// follow several names.
  package static let followerLimit = 5000

  /// The number of followers to read at once. A few may suffice, even if a subject has very many.
  private static let followersAtOnce = 200

  /// The number of names to look up at once.
  private static let namesAtOnce = 100

  /// Returns at most `limit` subjects whose parent is this one, sorted. Reads at most ``followerLimit`` followers.
  mutating func children(of key: SubjectKey, limit: Int) throws -> [SubjectKey] {
    var rest = Self.followerLimit
    return try children(of: key, limit: limit, reading: &rest)
  }

  /// Returns at most `limit` subjects whose parent is this one, sorted. With a trace id, only those in this trace.
  ///
  /// - Parameter rest: how many followers may still be read. If it becomes 0, some children may be missing.
  mutating func children(
    of key: SubjectKey, in traceID: TraceID? = nil, limit: Int, reading rest: inout Int
  ) throws -> [SubjectKey] {
    guard limit > 0, rest > 0, let subject = try subject(for: key) else { return [] }
    let names = subject.aliases + [.key(key)]
    var seen: Set<SubjectKey> = []
    var children: [SubjectKey] = []
    func add(_ followers: [SubjectKey], _ reader: inout TraceReader) throws {
      let new = followers.filter { seen.insert($0).inserted }.prefix(rest)
      rest -= new.count
      try reader.readSubjects(new)
      for follower in new {
        guard children.count < limit, try reader.subject(for: follower)?.parent?.parent == key else { continue }
        if try traceID == nil || reader.traceID(of: follower) == traceID { children.append(follower) }
      }
    }
    var popular: [Reference] = []
    for start in stride(from: 0, to: names.count, by: Self.namesAtOnce) where children.count < limit && rest > 0 {
      let some = Array(names[start..<min(start + Self.namesAtOnce, names.count)])
      let followers = try store.followers(of: some, limit: Self.followersAtOnce + 1)
      popular += some.filter { followers[$0]?.count ?? 0 > Self.followersAtOnce }
      let few = Set(followers.values.lazy.filter { $0.count <= Self.followersAtOnce }.joined()).sorted()
      for start in stride(from: 0, to: few.count, by: Self.followersAtOnce) where children.count < limit && rest > 0 {
        try add(Array(few[start..<min(start + Self.followersAtOnce, few.count)]), &self)
      }
    }
    for name in popular where children.count < limit && rest > 0 {
      // A name that too many publish leads to no parent.
      guard try !publishers(of: [name]).isEmpty else { continue }
      var place: UInt64 = 0
      while children.count < limit, rest > 0 {
        let page = try store.followers(of: name, after: place, limit: Self.followersAtOnce)
        guard let last = page.last else { break }
        place = last.place
        try add(page.map(\.key), &self)
      }
    }
    return children.sorted()
  }
}
