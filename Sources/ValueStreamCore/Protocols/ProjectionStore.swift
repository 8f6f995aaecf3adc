/// Stores what the projection concludes from the delivery log.
///
/// Call ``write(_:)`` from one thread at a time.
public protocol ProjectionStore: SpanReading, WritableStore {
  /// Writes all of these changes, including the log position, or nothing.
  ///
  /// - Throws: ``StoreError``. Nothing was changed then, and a later call may succeed without opening the store again.
  func write(_ changes: ProjectionChanges) throws(StoreError)

  /// What the store has projected of the log. Nil if nothing is projected yet.
  func position() throws(StoreError) -> LogCoverage?

  /// Returns all stored values by name. See ``ProjectionChanges/values``.
  func values() throws(StoreError) -> [String: [UInt8]]

  /// Returns what the metrics have counted of these subjects. Subjects that were not counted and are not waiting are absent.
  func measurements(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: Measurement]

  /// Returns subjects that wait to be counted, the longest waiting first.
  ///
  /// These are the subjects that have waited since `latest` or earlier. Subjects that wait since a time after `now` are
  /// included, because the clock must have been set back.
  func awaitingMeasurement(since latest: Timestamp, orAfter now: Timestamp, limit: Int) throws(StoreError) -> [AwaitingSubject]

  /// Returns fingerprints of the deliveries received at or after a time, in no particular order.
  func fingerprints(since cutoff: Timestamp) throws(StoreError) -> [DeliveryFingerprint]
}

/// A subject that waits to be counted, with what the metrics have counted of it.
public struct AwaitingSubject: Sendable {
  public var key: SubjectKey
  public var measurement: Measurement

  public init(key: SubjectKey, measurement: Measurement) {
    self.key = key
    self.measurement = measurement
  }
}
