package import ValueStreamCore

/// Reads a vendor's API page by page.
package protocol PagedSource<Row>: Sendable {
  /// What a page consists of: rows of a table, or deliveries.
  associatedtype Row: Sendable

  /// Returns the containers to read.
  func containers() async throws(APIError) -> RecordContainers

  /// Returns a page of a container. The same cursor returns the same page while the records do not change.
  ///
  /// - Parameters:
  ///   - cursor: ``SourcePage/next`` of the previous page; nil for the first.
  ///   - limit: the number of records that are still wanted; nil for all.
  func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> SourcePage<Row>
}

/// Reads records of one kind from a vendor's API as rows of a table, such as the pull requests of repositories.
package protocol RecordSource: PagedSource<[String]> {
  /// The column names of each row.
  var columns: [String] { get }
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

/// A page of records as rows of a table.
package typealias RecordPage = SourcePage<[String]>

/// A page of what a source reads.
package struct SourcePage<Row: Sendable>: Sendable {
  package var rows: [Row]
  /// The cursor of the next page; nil after the last page.
  package var next: String?
  /// The approximate number of records in the container; nil if the vendor does not say.
  package var total: Int?
  /// Notes for the user about records that could not be read.
  package var notes: [String]
  /// The number of records that the server has but could not read.
  package var missing: Int
  /// How far back the page goes, in a list that is sorted from newest to oldest; nil if that is unknown.
  package var reached: Timestamp?

  package init(rows: [Row], next: String?, total: Int? = nil, notes: [String] = [], missing: Int = 0) {
    self.rows = rows
    self.next = next
    self.total = total
    self.notes = notes
    self.missing = missing
  }
}

extension SourcePage: Equatable where Row: Equatable {}
extension SourcePage: Hashable where Row: Hashable {}
