package import ValueStreamCore

package struct TestDataError: Error, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}

extension Delivery {
  /// Returns the delivery with texts in its body replaced.
  ///
  /// - Throws: an error if one of the texts is missing. Otherwise a test could pass without testing anything after its
  ///   fixture changed.
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
  /// Returns the events.
  ///
  /// - Throws: an error if the payload was ignored.
  package func requireEvents() throws -> [Event] {
    guard case .events(let events, _) = self else { throw TestDataError(description: "no events: \(self)") }
    return events
  }
}
