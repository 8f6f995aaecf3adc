/// Finds out what is above a thing by walking up the ties, and how far up its trace goes.
public enum TraceRoot {
  /// Where a thing stands in its trace.
  public struct Place: Sendable, Hashable {
    /// From the thing itself to the uppermost above it that was looked at.
    public var path: [SpanKey]
    /// Where in ``path`` the root of the trace stands.
    public var rootIndex: Int
    /// The tie that counts, also where it leads out of the trace; nil for the uppermost, also where a cycle was cut at it.
    public var parent: ParentTie?
    /// True when the trace ends at ``root`` only because the chain above it is too long.
    public var isCut = false

    public var root: SpanKey { path[rootIndex] }

    /// From the thing itself to the root of its trace.
    public var tracePath: ArraySlice<SpanKey> { path[...rootIndex] }
  }

  /// A trace ends at one of the things that have at least so many above them. What people do is not so deep; jobs that start
  /// each other without end are.
  public static let depthLimit = 64

  /// Of the things that have more above them, one in so many is the root of a trace.
  private static let cutShare: UInt64 = 32

  /// No more things than this are looked at above one.
  private static let stepLimit = 512

  /// The place of a thing.
  ///
  /// A cycle is cut at its smallest key, which becomes the uppermost, so everybody in it and below it agrees. A long chain is cut at
  /// things that have ``depthLimit`` others above them, and whose keys say so: at the same ones for everybody below. So what is
  /// looked at for one thing is bounded, however long the chain is.
  ///
  /// - Parameter lookUp: the thing with a key; nil when it is not known, which makes its child the uppermost.
  public static func place(
    of subject: Subject, strategy: TraceStrategy, lookUp: (SpanKey) throws -> Subject?
  ) rethrows -> Place {
    var path = [subject]
    var places = [subject.key: 0]
    /// The nearest thing that may be the root of a trace, if it has enough above it.
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

  private static func endsTrace(_ key: SpanKey) -> Bool {
    var hasher = ContentHasher()
    hasher.add(key.description)
    return hasher.value % cutShare == 0
  }
}
