/// Stores the outbox, and how far exporters have come with it.
public protocol ExportStore: SpanReading, WritableStore {
  /// Returns outbox entries after a sequence number, in order.
  func outboxEntries(after sequence: UInt64, limit: Int) throws(StoreError) -> [NumberedOutboxEntry]

  /// Returns the number of outbox entries after a sequence number.
  func outboxEntryCount(after sequence: UInt64) throws(StoreError) -> Int

  /// The progress of each exporter in the outbox, by name of the exporter.
  func exportProgress() throws(StoreError) -> [String: ExportProgress]

  /// Stores the progress of an exporter and, unless `rejection` is nil, adds a rejection.
  ///
  /// Both are stored together or not at all. The store keeps the newest ``ExportRejection/keptCount`` rejections. You may
  /// call this method while ``write(_:)`` runs.
  func setExportProgress(_ progress: ExportProgress, for exporter: String, rejection: ExportRejection?) throws(StoreError)

  /// Returns rejections, newest first.
  ///
  /// - Parameters:
  ///   - exporter: nil for all exporters.
  ///   - sequence: returns only rejections before this sequence number. Nil to start with the newest.
  func exportRejections(
    of exporter: String?, before sequence: UInt64?, limit: Int
  ) throws(StoreError) -> [NumberedRejection]

  /// Adds records to the export ledger. Existing records do not change. You may call it while ``write(_:)`` runs.
  func addExportRecords(_ records: [ExportRecord]) throws(StoreError)
}

/// An outbox entry with its sequence number.
public struct NumberedOutboxEntry: Sendable {
  public var sequence: UInt64
  public var outboxEntry: OutboxEntry

  public init(sequence: UInt64, outboxEntry: OutboxEntry) {
    self.sequence = sequence
    self.outboxEntry = outboxEntry
  }
}

/// A rejection with its sequence number.
public struct NumberedRejection: Sendable {
  public var sequence: UInt64
  public var rejection: ExportRejection

  public init(sequence: UInt64, rejection: ExportRejection) {
    self.sequence = sequence
    self.rejection = rejection
  }
}

extension ExportStore {
  /// Stores the progress of an exporter without a rejection.
  public func setExportProgress(_ progress: ExportProgress, for exporter: String) throws(StoreError) {
    try setExportProgress(progress, for: exporter, rejection: nil)
  }
}
