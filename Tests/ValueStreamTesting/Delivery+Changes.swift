package import ValueStreamCore

package struct TestDataError: Error, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}

extension Delivery {
  /// The same delivery with texts of its body replaced by others.
  ///
  /// - Throws: when one of the texts is not there, so that a changed fixture does not make a test say nothing.
  package func replacing(_ changes: KeyValuePairs<String, String>) throws -> Delivery {
    var text = String(decoding: body, as: UTF8.self)
    for (old, new) in changes {
      guard text.firstRange(of: old) != nil else { throw TestDataError(description: "\(old) is not in the payload") }
      text = text.replacing(old, with: new)
    }
    var changed = self
    changed.body = Array(text.utf8)
    return changed
  }
}

extension Interpretation {
  /// The events.
  ///
  /// - Throws: when the payload was ignored.
  package func requireEvents() throws -> [Event] {
    guard case .events(let events, _) = self else { throw TestDataError(description: "no events: \(self)") }
    return events
  }
}
