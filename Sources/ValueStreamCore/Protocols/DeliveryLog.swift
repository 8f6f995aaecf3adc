/// A delivery and the result of parsing it at intake. This is what the log stores.
public struct LoggedDelivery: Sendable, Hashable {
  public var delivery: Delivery
  /// Why the source could not parse the delivery. Nil if it could.
  public var unreadable: PayloadError?

  public init(_ delivery: Delivery, unreadable: PayloadError? = nil) {
    self.delivery = delivery
    self.unreadable = unreadable
  }
}

/// A delivery at its place in the log.
public struct LogEntry: Sendable, Hashable {
  public var position: LogPosition
  public var logged: LoggedDelivery

  public init(_ position: LogPosition, _ logged: LoggedDelivery) {
    self.position = position
    self.logged = logged
  }
}

/// The log of all acknowledged deliveries, in order: the source of truth from which everything else is computed.
///
/// A log has one part a writer. The deliveries of a part are in order and numbered without gaps. There is no order between
/// parts. A ``LogCoverage`` says how far each part goes, or how far it was read.
///
/// Calls block, so make them from a thread of your own. Call ``append(_:)`` from one thread at a time; all other
/// methods are safe to call concurrently.
public protocol DeliveryLog: Sendable {
  /// Makes all of these deliveries durable, or none.
  ///
  /// - Returns: the positions of the deliveries, in the same order. Each is greater than every position that this log
  ///   returned before. Empty if there are no deliveries.
  /// - Throws: ``StoreError``. Nothing was appended then, and a later call may succeed without opening the log again.
  func append(_ deliveries: [LoggedDelivery]) throws(StoreError) -> [LogPosition]

  /// Reopens for writing a log that was opened read-only because of a full or read-only disk, and checks for free space.
  ///
  /// The call is cheap.
  ///
  /// - Throws: ``StoreError`` with the reason why writing is still impossible. Reading works in the meantime.
  func prepareToWrite() throws(StoreError)

  /// True if no delivery was ever removed from the log.
  func isComplete() throws(StoreError) -> Bool

  /// The position after the last delivery that is known to be damaged. Nil if none is.
  func endOfDamage() -> LogPosition?

  /// Reads the deliveries that are not covered, oldest first. Those of one writer come in the order of their numbers.
  ///
  /// Returns at most `limit` deliveries and about `byteLimit` bytes of bodies, but at least one delivery if there is one. Damaged
  /// deliveries are skipped and reported to a ``DamageReport``; an empty result always means that there is nothing more to read.
  ///
  /// - Parameter coverage: what was read before. Nil to start with the oldest delivery that is still kept.
  func read(after coverage: LogCoverage?, limit: Int, byteLimit: Int) throws(StoreError) -> [LogEntry]

  /// Reads the deliveries before a position, newest first.
  ///
  /// Returns at most `limit` deliveries and about `byteLimit` bytes of bodies, but at least one delivery if there is one.
  ///
  /// - Parameter position: nil to start with the newest delivery.
  func readBackwards(
    before position: LogPosition?, limit: Int, byteLimit: Int
  ) throws(StoreError) -> [LogEntry]

  /// Returns the delivery at a position. Nil if it is no longer kept.
  ///
  /// - Throws: ``StoreError`` with code `corrupt` if the delivery is damaged.
  func delivery(at position: LogPosition) throws(StoreError) -> LoggedDelivery?

  /// How far the log goes: the newest delivery of each writer. Nil if nothing was ever appended.
  func coverage() throws(StoreError) -> LogCoverage?

  /// Removes old deliveries, in whole segments: those received before `cutoff`, and the oldest beyond `maximumBytes`.
  ///
  /// - Parameter projected: what the projection has processed. Other deliveries stay; nil removes nothing.
  func removeOld(receivedBefore cutoff: Timestamp, maximumBytes: Int64, projected: LogCoverage?) throws(StoreError)

  /// The size of the log on disk, in bytes. For a log in memory, the total size of the bodies.
  func size() throws(StoreError) -> Int64

  /// Releases all resources without waiting for anything. Do not use the log afterwards.
  func close()
}

extension DeliveryLog {
  public func endOfDamage() -> LogPosition? { nil }
  public func prepareToWrite() throws(StoreError) {}
}

/// An error of a log or a store.
public struct StoreError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    /// The disk is full or a limit is reached. Retry when there is room.
    case noSpace
    /// Another process or connection holds a lock. Retry.
    case busy
    /// Reading or writing failed. Retry; if the error persists, check the disk.
    case inputOutput
    /// The stored data is invalid. Restore a backup, or replay the log.
    case corrupt
    /// The store can never accept this data: it is too large or violates a rule of the store.
    case rejected
    /// A newer version of this program wrote the data. Run that version, or use another directory.
    case newerVersion
    /// The location is unusable: missing permission, missing directory, or not a store.
    case unusable
  }

  public var code: Code
  /// The failed action, the file and the error message of the system.
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// True if the same call may succeed later.
  public var isRetryable: Bool {
    switch code {
    case .noSpace, .busy, .inputOutput: true
    case .corrupt, .rejected, .newerVersion, .unusable: false
    }
  }

  public var description: String { message }
}

extension StoreError {
  /// Calls `body`, and throws its errors as those of a store.
  ///
  /// An error of another type says that stored bytes cannot be decoded, so it becomes one of code `corrupt`.
  package static func catching<Result>(_ body: () throws -> Result) throws(StoreError) -> Result {
    do {
      return try body()
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.corrupt, "damaged data in the store: \(error)")
    }
  }
}
