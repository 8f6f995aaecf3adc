/// Records of one kind that a vendor's API has: the pull requests of some repositories.
package protocol RecordSource: Sendable {
  /// The names of what each row has.
  var columns: [String] { get }

  /// What the records are in.
  func containers() async throws(APIError) -> RecordContainers

  /// Some records of a container; the same for the same cursor, as long as nobody changes them.
  ///
  /// - Parameters:
  ///   - cursor: ``RecordPage/next`` of the page before; nil for the first.
  ///   - limit: more are not wanted.
  func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> RecordPage
}

/// What records are in: repositories, projects, jobs.
package struct RecordContainers: Sendable, Hashable {
  /// As users name them, in the order in which they are read: `acme/site`.
  package var names: [String]
  /// Where a limit left some out, what that was, for people; else nil.
  package var cut: String?

  package init(_ names: [String], cut: String? = nil) {
    self.names = names
    self.cut = cut
  }
}

/// Some records that come together.
package struct RecordPage: Sendable, Hashable {
  package var rows: [[String]]
  /// Where to go on; nil when there are no more.
  package var next: String?
  /// How many the container has in all, about; nil when the vendor does not say.
  package var total: Int?
  /// What could not be read, for people.
  package var notes: [String]
  /// How many records the server has there and could not read.
  package var missing: Int

  package init(rows: [[String]], next: String?, total: Int? = nil, notes: [String] = [], missing: Int = 0) {
    self.rows = rows
    self.next = next
    self.total = total
    self.notes = notes
    self.missing = missing
  }
}
