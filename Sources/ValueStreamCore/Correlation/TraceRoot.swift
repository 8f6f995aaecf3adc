/// Finds out what is above a thing by walking up the ties, and how far up its trace goes.
public enum TraceRoot {
  /// Where a thing stands in its trace.
  public struct Place: Sendable, Hashable {
    /// From the thing itself to the uppermost above it.
    public var path: [SpanKey]
    /// Where in ``path`` the root of the trace stands.
    public var rootIndex: Int
    /// The tie that counts, also where it leads out of the trace; nil for the uppermost, also where a cycle was cut at it.
    public var parent: ParentTie?

    public var root: SpanKey { path[rootIndex] }

    /// From the thing itself to the root of its trace.
    public var tracePath: ArraySlice<SpanKey> { path[...rootIndex] }
  }

  /// The place of a thing.
  ///
  /// A cycle is cut at its smallest key, which becomes the uppermost, so everybody in it and below it agrees.
  ///
  /// - Parameter lookUp: the thing with a key; nil when it is not known, which makes its child the uppermost.
  public static func place(
    of subject: Subject, strategy: TraceStrategy, lookUp: (SpanKey) throws -> Subject?
  ) rethrows -> Place {
    var path = [subject]
    while let tie = path[path.count - 1].parent, let parent = try lookUp(tie.parent) {
      if let start = path.firstIndex(where: { $0.key == parent.key }) {
        let uppermost = path.indices[start...].min { path[$0].key < path[$1].key } ?? start
        path.removeSubrange((uppermost + 1)...)
        break
      }
      path.append(parent)
    }
    return Place(
      path: path.map(\.key), rootIndex: strategy.root(of: path.lazy.map(\.operation)),
      parent: path.count > 1 ? subject.parent : nil)
  }
}
