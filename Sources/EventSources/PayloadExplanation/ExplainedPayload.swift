package import ValueStreamCore

/// A payload with its location and its interpretation.
package struct ExplainedPayload: Sendable {
  package var path: String
  /// The name of the source; nil if it is unknown.
  package var source: String?
  /// The type, for sources that name it only in a header.
  package var type: String?
  package var meaning: Result<Interpretation, PayloadError>
  /// The values in the payload that no type can represent.
  package var unread: UnreadValues?

  /// The full explanation, for people.
  package var text: String {
    let head =
      "\(path)\(source.map { ", \($0)\(type.map { " \($0)" } ?? "")" } ?? "")\(unread.map { "\n\($0.explanation)" } ?? "")"
    switch meaning {
    case .success(let interpretation): return "\(head)\n\(interpretation.explanation)"
    case .failure(let error): return "\(head)\n\(error.explanation)"
    }
  }

  /// The explanation in one line.
  package var line: String {
    switch meaning {
    case .success(.events(let events, let branches)):
      var items: [String] = []
      for key in events.map(\.key) + branches.map(\.branch) where !items.contains(key.description) {
        items.append(key.description)
      }
      return "\(path): \(items.joined(separator: ", "))"
    case .success(.exclusion(let change)): return "\(path): \(change.action.rawValue) \(change.item)"
    case .success(.ignored(let reason)): return "\(path): ignored: \(reason)"
    case .failure(let error): return "\(path): unreadable: \(error)"
    }
  }

  /// The explanation as a JSON object.
  package var json: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.member("file", path)
      json.member("source", source)
      json.member("type", type)
      json.members(of: meaning)
      json.member(unread)
    }
    return json.bytes
  }
}
