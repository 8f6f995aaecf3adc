import DeliveryMetrics
import ValueStreamCore

/// What facts are about, and which of it still has spans.
struct NamedSubjects: Sendable {
  var known: [FactID: FactSubject] = [:]
  var kept: Set<SubjectKey> = []
}

/// A row with what its ids are about.
struct Named<Row: Sendable>: Sendable {
  var row: Row
  var subjects: NamedSubjects

  func key(of id: FactID?) -> String? { id.flatMap { subjects.known[$0]?.key.description } }

  /// The fields that say what a row is about.
  static func subjectFields(_ id: @escaping @Sendable (Row) -> FactID) -> [ReportField<Named>] {
    [
      .text("key", "The key of the item. For a direct change, that of its branch.") { $0.key(of: id($0.row)) },
      .text("name", "Its name, such as a title.") { $0.subjects.known[id($0.row)]?.name },
      .text("address", "Its page at the vendor.") { $0.subjects.known[id($0.row)]?.address },
      .text("traceID", "Its trace.") { $0.subjects.known[id($0.row)]?.traceID.description },
      .flag("span_kept", "False if its span was removed since: facts are kept longer.") { named in
        named.subjects.known[id(named.row)].map { named.subjects.kept.contains($0.key) } ?? false
      },
    ]
  }
}
