/// A delivery together with what became of it at intake.
public struct LoggedDelivery: Sendable, Hashable {
  public var delivery: Delivery
  /// Why it could not be read; nil when it could.
  public var unreadable: PayloadError?

  public init(_ delivery: Delivery, unreadable: PayloadError? = nil) {
    self.delivery = delivery
    self.unreadable = unreadable
  }
}

/// A place in a ``DeliveryLog``: means something only to the log that gave it, except that later places are greater.
public struct LogPosition: Sendable, Hashable, Comparable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  public static func < (left: LogPosition, right: LogPosition) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// The truth: every delivery that was acknowledged, in order, on disk.
///
/// Calls block; make them from a thread of your own. ``append(_:)`` has one caller at a time, everything else any number.
public protocol DeliveryLog: Sendable {
  /// Makes all of these durable, or none.
  ///
  /// - Returns: their places, in the same order; greater than every place given before. Empty in, empty out.
  /// - Throws: ``StoreError``. Nothing is then kept, and a later call may succeed without opening the log again.
  func append(_ deliveries: [LoggedDelivery]) throws -> [LogPosition]

  /// Opens for writing what could only be opened to be read, because the disk was full or read-only, and looks whether there is room. Cheap.
  ///
  /// - Throws: ``StoreError``: why nothing can be written still. What can be read is read meanwhile.
  func prepareToWrite() throws

  /// True as long as nothing was removed from it.
  func isComplete() throws -> Bool

  /// Number after the last of those that are known to be damaged; nil where none is.
  func endOfDamage() -> LogPosition?

  /// Deliveries after a place, oldest first, at most `limit` of them and about `byteLimit` bytes of body (at least one).
  ///
  /// Damaged ones are left out and told to a ``DamageReport``: nothing in the answer means that there is nothing more to be read.
  ///
  /// - Parameter position: nil for the oldest still kept.
  func read(after position: LogPosition?, limit: Int, byteLimit: Int) throws -> [(position: LogPosition, logged: LoggedDelivery)]

  /// Deliveries before a place, newest first, at most `limit` of them and about `byteLimit` bytes of body (at least one).
  ///
  /// - Parameter position: nil for the newest.
  func readBackwards(
    before position: LogPosition?, limit: Int, byteLimit: Int
  ) throws -> [(position: LogPosition, logged: LoggedDelivery)]

  /// The delivery at a place; nil when it is not kept any more.
  ///
  /// - Throws: ``StoreError``: `corrupt` when it is damaged.
  func delivery(at position: LogPosition) throws -> LoggedDelivery?

  /// The place of the newest delivery; nil when nothing was ever appended.
  func lastPosition() throws -> LogPosition?

  /// Removes old deliveries, in whole segments: those received before `cutoff`, and the oldest beyond `maximumBytes`.
  ///
  /// - Parameter projected: nothing after this place is removed, nor anything when it is nil.
  func removeOld(receivedBefore cutoff: Timestamp, maximumBytes: Int64, projected: LogPosition?) throws

  /// Bytes the log takes on disk (in memory: of bodies).
  func size() throws -> Int64

  /// Waits for nothing, releases everything. No call may follow.
  func close()
}

extension DeliveryLog {
  public func endOfDamage() -> LogPosition? { nil }
  public func prepareToWrite() throws {}
}

/// Why a log or a store could not do what was asked.
public struct StoreError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    /// The disk is full, or a limit was reached: try again when there is room.
    case noSpace
    /// Somebody else holds it: try again.
    case busy
    /// Reading or writing failed: try again; if it persists look at the disk.
    case inputOutput
    /// What is stored cannot be right: restore, or replay from the log.
    case corrupt
    /// What is to be written can never be: larger than the store takes, or against its rules.
    case rejected
    /// Written by a newer version of this program: run that one, or another directory.
    case newerVersion
    /// The place cannot be used at all: rights, a missing directory, not a store.
    case unusable
  }

  public var code: Code
  /// What was being done, with which file, and what the system said.
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// True when the same call may succeed later.
  public var isRetryable: Bool {
    switch code {
    case .noSpace, .busy, .inputOutput: true
    case .corrupt, .rejected, .newerVersion, .unusable: false
    }
  }

  public var description: String { message }
}
