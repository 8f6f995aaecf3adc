package import ValueStreamCore

/// Explains why a lookup does not find exactly one subject or trace.
package enum LookupError: Error {
  case unknown(_ detail: String)
  case ambiguous(_ name: String, candidates: [SubjectKey])

  var problem: HTTPResponse {
    switch self {
    case .unknown(let detail): return .problem(404, "Not Found", detail: detail)
    case .ambiguous(let name, let candidates):
      var json = JSONWriter()
      json.object { json in
        json.member("type", "about:blank")
        json.member("title", "Conflict")
        json.member("status", 409)
        json.member("detail", "several things are called \(name); ask for one of them by its key")
        json.name("candidates")
        json.array(candidates) { $0.value($1.description) }
      }
      return HTTPResponse(status: 409, headers: ["Content-Type": "application/problem+json"], body: json.bytes)
    }
  }
}

/// Finds a subject by the names that people and scripts use: its key, its classic id or an alias.
package struct SubjectLookup {
  let queries: SpanQueries

  package init(queries: SpanQueries) {
    self.queries = queries
  }

  /// Returns the key of the only subject with this name that has spans.
  ///
  /// Tries keys first, then classic ids, then other aliases.
  ///
  /// - Throws: ``LookupError`` if no subject or several match; ``StoreError`` if the store cannot be read.
  package func key(_ text: String) throws -> SubjectKey {
    func keys(named references: [Reference]) throws -> [SubjectKey] {
      try queries.keys(named: references, limit: Self.candidateLimit)
    }
    for names in try [Self.keys(in: text), keys(named: [Reference(.classicID, text)]), keys(named: names(text))] {
      let found = try queries.store.subjects(names).values.filter { $0.operation != nil }.map(\.key).sorted()
      if found.count > 1 { throw LookupError.ambiguous(text, candidates: found) }
      if let key = found.first { return key }
    }
    throw queries.unknown("no span has the key, classic id or name \(text)")
  }

  /// The maximum number of subjects with one name to look at. Senders can give one name to any number of them.
  package static let candidateLimit = 100

  /// Returns the references that a name may mean. People omit the host of an issue or a change, so every known host
  /// is tried.
  private func names(_ text: String) throws -> [Reference] {
    let lower = text.lowercased()
    var names = [Reference(.customID, text), Reference(.address, text), Reference(.issue, text)]
    let hosts = Set(try queries.store.kinds().map(\.host)).subtracting([""]).sorted()
    for name in [lower] + hosts.map({ "\($0)/\(lower)" }) {
      // GitHub numbers issues and pull requests together and writes both with `#`.
      names += [Reference(.issue, name), Reference(.change, name), Reference(.change, name.replacingLast("#", by: "!"))]
    }
    return names
  }

  /// Returns the keys that a text may mean. The path of a request arrives percent-decoded, so parts may themselves
  /// contain colons.
  private static func keys(in text: String) -> [SubjectKey] {
    if let key = SubjectKey(text) { return [key] }
    let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map { String(Substring($0)) }
    guard (5...mostParts).contains(parts.count) else { return [] }
    return groups(parts, 5).compactMap { parts in
      SubjectKey(SubjectKey(source: parts[0], host: parts[1], container: parts[2], kind: parts[3], id: parts[4]).description)
    }
  }

  /// A text with more parts is not taken for a key: there are too many ways to split it.
  private static let mostParts = 9

  /// Returns every way to join neighbouring parts with `:` so that `count` parts remain.
  private static func groups(_ parts: [String], _ count: Int) -> [[String]] {
    guard count > 1 else { return [[parts.joined(separator: ":")]] }
    return (1...(parts.count - count + 1)).flatMap { length in
      groups(Array(parts[length...]), count - 1).map { [parts[..<length].joined(separator: ":")] + $0 }
    }
  }
}

extension String {
  fileprivate func replacingLast(_ mark: Character, by other: Character) -> String {
    lastIndex(of: mark).map { self[..<$0] + String(other) + self[index(after: $0)...] } ?? self
  }
}
