package import ValueStreamCore

/// The number of an issue or change that people see, or its id if a script sends no number.
package struct ItemNumber: Sendable, CustomStringConvertible {
  package let value: Int64
  /// False if the value is an id.
  package let isReal: Bool

  /// Reads the number, or else the member `id`.
  ///
  /// - Parameter member: the name of the member with the number.
  /// - Throws: ``PayloadError`` if both are absent or not whole numbers.
  package init(of object: PayloadObject, in member: StaticString) throws(PayloadError) {
    if let number = object.int(member) {
      (value, isReal) = (number, true)
    } else if let id = object.int("id") {
      (value, isReal) = (id, false)
    } else {
      throw object.missing(member, expected: "a whole number")
    }
  }

  package var description: String { String(value) }

  /// The part of a subject key that identifies the subject. An id is marked, so that it cannot be taken for a number.
  package var keyPart: String { isReal ? description : SubjectKey.fallbackPart(description) }
}
