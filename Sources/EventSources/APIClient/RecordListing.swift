package import PayloadReading

/// The records of an answer, and how many stand there as null: servers write that for what they could not read.
package struct RecordListing {
  package let items: [PayloadObject]
  /// How many are null, or are no objects.
  package let missing: Int

  init(_ values: [JSONValue], path: String) {
    items = values.enumerated().compactMap { PayloadObject($1, path: "\(path)[\($0)]") }
    missing = values.count - items.count
  }

  /// With those that are missing.
  package var count: Int { items.count + missing }

  /// What is missing, for people.
  package var notes: [String] {
    switch missing {
    case 0: []
    case 1: ["1 record is missing: the answer has null in its place"]
    default: ["\(missing) records are missing: the answer has null in their places"]
    }
  }
}

extension PayloadObject {
  /// All of a list, also what is null.
  package func listing(_ name: StaticString) -> RecordListing {
    RecordListing(value[name].map { Array($0.elements) } ?? [], path: "\(path).\(name)")
  }
}
