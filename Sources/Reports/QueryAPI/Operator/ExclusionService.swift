package import ValueStreamCore

/// Leaves items out of all numbers, and takes them back, on behalf of the API and the pages.
package struct ExclusionService: Sendable {
  package let facts: any FactSource
  let queries: SpanQueries
  private let record: @Sendable (ExclusionChange) -> Bool

  /// - Parameter record: records a decision in the delivery log and returns once it is on disk; false if that is not possible now.
  package init(facts: any FactSource, queries: SpanQueries, record: @escaping @Sendable (ExclusionChange) -> Bool) {
    self.facts = facts
    self.queries = queries
    self.record = record
  }

  /// What a person asks for, as they wrote it.
  package struct Request: Sendable, Hashable {
    package var action: ExclusionChange.Action
    /// The key, classic id or name of the item; see ``ExcludedItem`` for direct changes.
    package var item: String
    /// Finds the item by its trace, or by its span in this trace, if there is no ``item``.
    package var traceID: String?
    package var spanID: String?
    /// What the item must be, such as `deploy`. Nil for anything.
    package var kind: String?
    package var reason: String
    package var actor: String

    package init(
      _ action: ExclusionChange.Action, item: String, traceID: String? = nil, spanID: String? = nil, kind: String? = nil,
      reason: String, actor: String
    ) {
      self.action = action
      self.item = item
      self.traceID = traceID
      self.spanID = spanID
      self.kind = kind
      self.reason = reason
      self.actor = actor
    }
  }

  /// Why a decision is not recorded.
  package struct Rejection: Error, Sendable, Hashable {
    package var status: Int
    package var detail: String

    package init(_ status: Int, _ detail: String) {
      self.status = status
      self.detail = detail
    }
  }

  /// Checks a decision and records it. Returns once it is on disk and, unless that takes long, in all numbers.
  ///
  /// - Throws: ``Rejection``, ``LookupError`` if the item is unknown or ambiguous, and ``StoreError``.
  package func decide(_ request: Request) throws -> ExclusionChange {
    let reason = Self.line(request.reason)
    let actor = Self.line(request.actor)
    if request.action == .exclude, reason.isEmpty { throw Rejection(422, "reason: say why the item does not count") }
    guard reason.count <= ExclusionChange.longestReason else {
      throw Rejection(422, "reason: at most \(ExclusionChange.longestReason) characters")
    }
    guard actor.count <= ExclusionChange.longestActor else {
      throw Rejection(422, "actor: at most \(ExclusionChange.longestActor) characters")
    }
    let item = try self.item(of: request)
    if request.action == .exclude, try facts.exclusions().count >= Exclusion.limit {
      throw Rejection(422, "\(Exclusion.limit) items are left out already; take some back first")
    }
    let change = ExclusionChange(request.action, item, reason: reason, actor: actor)
    guard record(change) else { throw Rejection(503, "the decision cannot be recorded now, please send it again") }
    queries.waitForProjection()
    return change
  }

  /// Returns the item that a person means. A key need not be known yet.
  private func item(of request: Request) throws -> ExcludedItem {
    queries.waitForProjection()
    if request.item.isEmpty { return try itemOfTrace(request) }
    guard request.item.utf8.count <= ExcludedItem.longest else { throw Rejection(422, "item: too long for the name of an item") }
    let literal = ExcludedItem(request.item)
    if let literal, literal.directChange != nil {
      try check(request.kind, isChange: true)
      return literal
    }
    // What was left out by its key before it was known is taken back by it, too.
    if let literal, request.action == .include, try facts.exclusions().contains(where: { $0.item == literal }) { return literal }
    do {
      let key = try SubjectLookup(queries: queries).key(request.item)
      try check(request.kind, key)
      return ExcludedItem(key)
    } catch LookupError.unknown(let detail) {
      guard let literal else { throw LookupError.unknown("\(detail); an item that is not known yet needs its key") }
      return literal
    }
  }

  private func itemOfTrace(_ request: Request) throws -> ExcludedItem {
    guard let text = request.traceID, !text.isEmpty else {
      throw Rejection(
        422, request.spanID == nil ? "item: which one? Its key, or traceID" : "spanID: needs the traceID of its trace beside it")
    }
    guard let traceID = TraceID(text) else { throw Rejection(422, "traceID: expected 32 hexadecimal digits") }
    var reader = queries.reader()
    guard let trace = try reader.trace(traceID, limit: SpanQueries.spanLimit) else {
      throw queries.unknown("no span has, or was exported under, the trace id \(text)")
    }
    var spans = trace.spans.map(\.span)
    if let spanID = request.spanID, !spanID.isEmpty {
      spans = spans.filter { $0.id.description == spanID.lowercased() }
      if spans.isEmpty { throw LookupError.unknown("no span \(spanID) is in the trace \(text)") }
    } else if let kind = request.kind {
      spans = spans.filter { Self.operations(kind).contains($0.operation) }
      if spans.isEmpty { throw LookupError.unknown("no \(kind) is in the trace \(text)") }
    } else {
      spans = Array(spans.prefix(1))
    }
    let keys = Set(spans.map(\.key)).sorted()
    guard let key = keys.first, keys.count == 1 else { throw LookupError.ambiguous("the trace \(text)", candidates: keys) }
    try check(request.kind, key)
    return ExcludedItem(key)
  }

  // MARK: Kinds

  /// The operations that a word for the kind of an item means.
  private static func operations(_ kind: String) -> [Operation] {
    switch kind {
    case "change": [.pullRequest]
    case "run": [.build, .job]
    default: [Operation(rawValue: kind)]
    }
  }

  private func check(_ kind: String?, _ key: SubjectKey) throws {
    guard let kind, let operation = try queries.store.subjects([key])[key]?.operation,
      !Self.operations(kind).contains(operation)
    else { return }
    throw Rejection(422, "kind: \(key) is no \(kind) but a \(operation)")
  }

  private func check(_ kind: String?, isChange: Bool) throws {
    guard let kind, kind != "change", kind != "direct_change" else { return }
    throw Rejection(422, "kind: what a push brought is a change, no \(kind)")
  }

  /// Returns a text in one line without control characters, and without spaces at its ends.
  private static func line(_ text: String) -> String {
    let scalars = text.unicodeScalars.map { scalar -> Unicode.Scalar in
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: " "
      default: scalar
      }
    }
    var line = String(String.UnicodeScalarView(scalars))[...]
    while line.first?.isWhitespace == true { line.removeFirst() }
    while line.last?.isWhitespace == true { line.removeLast() }
    return String(line)
  }

  // MARK: Lists

  /// An exclusion with what is known of its item.
  package struct Row: Sendable {
    package var exclusion: Exclusion
    /// Nil if no span of the item is stored: it is not known yet, or its span was removed.
    package var name: String?
    package var operation: String?
  }

  /// Returns the exclusions after an item, in the order of their items, and whether there are more.
  package func rows(after item: String?, limit: Int) throws -> (rows: [Row], hasMore: Bool) {
    let all = try facts.exclusions()
    let later = item.map { item in all.drop { $0.item.description <= item } } ?? all[...]
    let page = later.prefix(limit)
    let subjects = try queries.store.subjects(page.map(\.item.key))
    let rows = page.map { exclusion in
      let subject = exclusion.item.directChange == nil ? subjects[exclusion.item.key] : nil
      return Row(
        exclusion: exclusion, name: subject?.name,
        operation: exclusion.item.directChange == nil ? subject?.operation?.rawValue : "direct_change")
    }
    return (rows, later.count > page.count)
  }
}
