/// Finds the ancestors of a subject, and the root of its trace among them.
public enum TraceRoot {
  /// The position of a subject in its trace.
  public struct Place: Sendable, Hashable {
    /// The subject and its ancestors, up to the uppermost that was visited.
    public var path: [SubjectKey]
    /// The index of the trace's root in ``path``.
    public var rootIndex: Int
    /// The tie to the parent, even if it leads out of the trace. Nil for the uppermost subject, also if a cycle was cut there.
    public var parent: ParentTie?
    /// True if the trace ends at ``root`` only because the chain of ancestors is too long.
    public var isCut = false

    public var root: SubjectKey { path[rootIndex] }

    /// The subject and its ancestors, up to the root of its trace.
    public var tracePath: ArraySlice<SubjectKey> { path[...rootIndex] }
  }

  /// The number of ancestors from which on a trace may be cut. Only jobs that trigger each other endlessly reach it.
  public static let depthLimit = 64

  /// Of the subjects with more ancestors, one in this number becomes the root of a trace.
  private static let cutShare: UInt64 = 32

  /// The maximum number of ancestors to visit.
  private static let stepLimit = 512

  /// Returns the place of a subject.
  ///
  /// A cycle is cut at its smallest key, which becomes the uppermost subject, so that all subjects in and below the
  /// cycle agree. A long chain is cut at a subject that has ``depthLimit`` ancestors and whose key's hash selects it,
  /// so that all subjects below agree, too. This bounds the work for one subject, however long the chain is.
  ///
  /// - Parameter lookUp: returns the subject with a key. Nil if it is unknown, which makes its child the uppermost.
  public static func place(
    of subject: Subject, strategy: TraceStrategy, lookUp: (SubjectKey) throws -> Subject?
  ) rethrows -> Place {
    guard subject.parent != nil else {
      let root = strategy.root(of: CollectionOfOne(subject.operation))
      return Place(path: [subject.key], rootIndex: root, parent: nil, isCut: false)
    }
    var path = [subject]
    var places = [subject.key: 0]
    /// The index of the nearest subject that becomes the root if it has enough ancestors.
    var cut: Int? = endsTrace(subject.key) ? 0 : nil
    var isCut = false
    while let tie = path[path.count - 1].parent, let parent = try lookUp(tie.parent) {
      if let start = places[parent.key] {
        let uppermost = path.indices[start...].min { path[$0].key < path[$1].key } ?? start
        path.removeSubrange((uppermost + 1)...)
        break
      }
      places[parent.key] = path.count
      path.append(parent)
      if cut == nil, endsTrace(parent.key) { cut = path.count - 1 }
      isCut = cut.map { path.count - 1 - $0 >= depthLimit } ?? false
      if isCut || path.count > stepLimit { break }
    }
    let top = isCut ? cut ?? path.count - 1 : path.count - 1
    let root = strategy.root(of: path[...top].lazy.map(\.operation))
    return Place(
      path: path.map(\.key), rootIndex: root, parent: path.count > 1 ? subject.parent : nil, isCut: isCut && root == top)
  }

  private static func endsTrace(_ key: SubjectKey) -> Bool {
    var hasher = ContentHasher()
    hasher.add(key.description)
    return hasher.value % cutShare == 0
  }
}
