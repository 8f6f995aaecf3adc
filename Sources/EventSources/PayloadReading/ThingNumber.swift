package import ValueStreamCore

/// The number that people call an issue or a change by; its id where a script sends no number.
package struct ThingNumber: Sendable, CustomStringConvertible {
  package let value: Int64
  /// False for an id.
  package let isReal: Bool

  /// - Parameter member: the number's; the id's is `id`.
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

  /// The part of a key that stands for it: an id is marked, so that it is taken for no number.
  package var keyPart: String { isReal ? description : SpanKey.fallbackPart(description) }
}
