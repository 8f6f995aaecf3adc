import ValueStreamCore

/// The chain of spans that decided when a trace ended.
///
/// It goes back from the end: what finished last, what finished last before that began, and so on. A time that no child
/// explains belongs to the span above. Checks of a change run beside its review, so the path goes through the change itself.
struct CriticalPath {
  /// A span, as far as the path needs it.
  struct Item {
    var start: Timestamp
    var end: Timestamp
    /// The index of the parent, which stands before its children. Nil for a root.
    var parent: Int?
    /// True for a check: it does not decide when its parent ends.
    var isCheck = false
  }

  struct Step: Hashable {
    /// The index of the span.
    var span: Int
    var from: Timestamp
    var to: Timestamp
  }

  /// In order of time, each beginning where the one before ends.
  private(set) var steps: [Step] = []

  private struct Node {
    var start: Timestamp
    var end: Timestamp
    /// The first start and the last end at or below the node.
    var firstStart: Timestamp
    var lastEnd: Timestamp
    var children: [Int] = []
  }

  /// Creates the path of spans.
  init(of items: [Item]) {
    guard let from = items.map(\.start).min(), let to = items.map(\.end).max() else { return }
    var nodes = items.map { item in
      let end = max(item.end, item.start)
      return Node(start: item.start, end: end, firstStart: item.start, lastEnd: end)
    }
    // A node above all roots: the attempts of an issue are several.
    let top = nodes.count
    nodes.append(Node(start: from, end: from, firstStart: from, lastEnd: max(from, to)))
    for index in items.indices.reversed() {
      let parent = items[index].parent.flatMap { $0 < index ? $0 : nil } ?? top
      if items[index].isCheck, nodes[index].lastEnd <= nodes[parent].end { continue }
      nodes[parent].children.append(index)
      guard parent != top else { continue }
      nodes[parent].firstStart = min(nodes[parent].firstStart, nodes[index].firstStart)
      nodes[parent].lastEnd = max(nodes[parent].lastEnd, nodes[index].lastEnd)
    }
    walk(top, until: nodes[top].lastEnd, nodes)
    steps.removeAll { $0.span == top }
    steps.reverse()
  }

  /// Adds the steps at and below a node, from its end back to its start.
  ///
  /// A stack of its own instead of recursion: senders decide how deep a trace is.
  private mutating func walk(_ root: Int, until end: Timestamp, _ nodes: [Node]) {
    struct Visit {
      var node: Int
      var time: Timestamp
      /// The children, the last to finish first.
      var rest: ArraySlice<Int>
    }
    func visit(_ node: Int, _ time: Timestamp) -> Visit {
      Visit(node: node, time: time, rest: nodes[node].children.sorted { nodes[$0].lastEnd > nodes[$1].lastEnd }[...])
    }
    var stack = [visit(root, end)]
    while var top = stack.popLast() {
      if let child = top.rest.popFirst() {
        // A child that still ran when the next step began did not decide when that began.
        guard nodes[child].lastEnd <= top.time, nodes[child].firstStart < top.time else {
          stack.append(top)
          continue
        }
        add(top.node, nodes[child].lastEnd, top.time)
        let below = visit(child, nodes[child].lastEnd)
        top.time = nodes[child].firstStart
        stack.append(top)
        stack.append(below)
      } else {
        add(top.node, nodes[top.node].firstStart, top.time)
      }
    }
  }

  private mutating func add(_ span: Int, _ from: Timestamp, _ to: Timestamp) {
    if from < to { steps.append(Step(span: span, from: from, to: to)) }
  }
}
