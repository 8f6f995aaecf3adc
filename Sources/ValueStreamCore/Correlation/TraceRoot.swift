/// Finds the root of a thing's trace by walking up the ties.
public enum TraceRoot {
  /// Where a thing stands in its trace.
  public struct Place: Sendable, Hashable {
    /// From the thing itself to the root.
    public var path: [SpanKey]
    /// The tie that counts; nil for the root, also where a cycle was cut at it.
    public var parent: ParentTie?

    public var root: SpanKey { path[path.count - 1] }
  }

  /// The place of a thing.
  ///
  /// A cycle is cut at its smallest key, which becomes the root, so everybody in it and below it agrees.
  ///
  /// - Parameter lookUp: the thing with a key; nil when it is not known, which makes its child the root.
  public static func place(of subject: Subject, lookUp: (SpanKey) throws -> Subject?) rethrows -> Place {
    var path = [subject]
    while let tie = path[path.count - 1].parent, let parent = try lookUp(tie.parent) {
      if let start = path.firstIndex(where: { $0.key == parent.key }) {
        let root = path.indices[start...].min { path[$0].key < path[$1].key } ?? start
        return Place(path: path[...root].map(\.key), parent: root == 0 ? nil : subject.parent)
      }
      path.append(parent)
    }
    return Place(path: path.map(\.key), parent: path.count > 1 ? subject.parent : nil)
  }
}
