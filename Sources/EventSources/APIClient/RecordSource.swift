/// Reads records of one kind from a vendor's API, such as the pull requests of repositories.
package protocol RecordSource: Sendable {
  /// The column names of each row.
  var columns: [String] { get }

  /// Returns the containers to read.
  func containers() async throws(APIError) -> RecordContainers

  /// Returns a page of a container. The same cursor returns the same page while the records do not change.
  ///
  /// - Parameters:
  ///   - cursor: ``RecordPage/next`` of the previous page; nil for the first.
  ///   - limit: the number of records that are still wanted; nil for all.
  func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> RecordPage
}

/// The containers of records: repositories, projects or jobs.
package struct RecordContainers: Sendable, Hashable {
  /// The names as users write them (`acme/site`), in reading order.
  package var names: [String]
  /// A note for the user if a limit left out some containers; otherwise nil.
  package var cut: String?

  package init(_ names: [String], cut: String? = nil) {
    self.names = names
    self.cut = cut
  }
}

/// A page of records.
package struct RecordPage: Sendable, Hashable {
  package var rows: [[String]]
  /// The cursor of the next page; nil after the last page.
  package var next: String?
  /// The approximate number of records in the container; nil if the vendor does not say.
  package var total: Int?
  /// Notes for the user about records that could not be read.
  package var notes: [String]
  /// The number of records that the server has but could not read.
  package var missing: Int

  package init(rows: [[String]], next: String?, total: Int? = nil, notes: [String] = [], missing: Int = 0) {
    self.rows = rows
    self.next = next
    self.total = total
    self.notes = notes
    self.missing = missing
  }
}
