/// Stores subjects, from which spans are computed: a projection of the delivery log that may lag behind it.
///
/// Take the smallest of the protocols that a use needs: ``SpanReading``, ``ProjectionStore``, ``ExportStore`` or
/// ``ExpiringStore``.
public protocol SpanStore: ProjectionStore, ExportStore, ExpiringStore {
  /// Releases all resources. Do not use the store afterwards.
  func close()
}

/// A store that retention keeps small.
public protocol ExpiringStore: Sendable {
  /// Removes subjects whose spans all ended before `cutoff`, with everything that only they use, and old branch updates.
  ///
  /// A subject is old if both its end by the vendor's clock and its outbox entries by this machine's clock are before
  /// `cutoff`. An imported history is thus kept as long after the import as any other.
  ///
  /// - Parameter exporters: subjects stay as long as one of these exporters has not passed their outbox entries.
  /// - Returns: the number of removed subjects. Call again while it equals `limit`.
  func removeFinished(before cutoff: Timestamp, awaitedBy exporters: [String], limit: Int) throws(StoreError) -> Int

  /// The size of the store on disk, in bytes. 0 for a store in memory.
  func size() throws(StoreError) -> Int64
}

/// A store that may have been opened only for reading.
public protocol WritableStore: Sendable {
  /// Reopens for writing a store that was opened read-only because of a full or read-only disk, and checks for free space.
  ///
  /// The call is cheap.
  ///
  /// - Throws: ``StoreError`` with the reason why writing is still impossible. Reading works in the meantime.
  func prepareToWrite() throws(StoreError)
}

extension WritableStore {
  public func prepareToWrite() throws(StoreError) {}
}
