package import PayloadReading

/// The records of a response, and the number of null elements, which stand for records that the server could not read.
package struct RecordListing {
  package let items: [PayloadObject]
  /// The number of elements that are null or not an object.
  package let missing: Int

  init(_ values: [JSONValue], path: String) {
    items = values.enumerated().compactMap { PayloadObject($1, path: "\(path)[\($0)]") }
    missing = values.count - items.count
  }

  /// The number of records, including missing ones.
  package var count: Int { items.count + missing }

  /// A note for the user if records are missing.
  package var notes: [String] {
    switch missing {
    case 0: []
    case 1: ["1 record is missing: the answer has null in its place"]
    default: ["\(missing) records are missing: the answer has null in their places"]
    }
  }
}

extension PayloadObject {
  /// Returns all elements of a list, including null. The list is not cut, unlike that of `objects`.
  package func listing(_ name: StaticString) -> RecordListing {
    RecordListing(value[name].map { Array($0.elements) } ?? [], path: "\(path).\(name)")
  }
}
