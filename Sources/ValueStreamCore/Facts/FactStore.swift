/// Reads facts. Calls block, and are safe to call concurrently.
///
/// Functions with a closure throw ``StoreError`` and whatever the closure throws, so their errors have no type.
public protocol FactSource: Sendable {
  /// Calls `visit` with the facts of one kind on these days and, if `includesOpen`, with those without a day.
  ///
  /// `visit` must not write to the store. Facts come in order of days, in no particular order within a day, and those without a day last. Damaged rows are
  /// skipped and reported like damaged subjects.
  ///
  /// - Parameter days: nil for no days.
  func visitFacts<Row: Fact>(
    _ type: Row.Type, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (Row) throws -> Void
  ) throws

  /// Calls `visit` with the encoded members of facts that reports read, in the same order as
  /// ``visitFacts(_:days:includesOpen:_:)``.
  ///
  /// For reports that need few members of many rows. The members stand at their places in the stored row; the bytes of all
  /// other members are undefined. `visit` throws ``DamagedFact`` for a damaged row.
  func visitFactBytes(
    _ kind: FactKind, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (UnsafeRawBufferPointer) throws -> Void
  ) throws

  /// Returns all facts of one kind about these subjects.
  func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) throws(StoreError) -> [FactID: [Row]]

  /// Returns the deliveries of these changes, over all time. Changes that no deploy brought are absent.
  func deliveries(of changes: Set<FactID>) throws(StoreError) -> [FactID: [DeliveredChange]]

  /// Calls `visit` with the sum over these days of each roll-up of a level that is not empty, in the order of keys.
  ///
  /// `visit` must not write to the store. Days of a ``RunTally`` are those of the zone of the store.
  func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, _ visit: (RollUpKey, RollUp) throws -> Void
  ) throws

  /// Calls `visit` with the sums like ``visitRollUps(_:days:_:)``, but reads only a part of each.
  ///
  /// Decoding the sketches of fifteen thousand jobs takes long, and reports show few of them.
  ///
  /// - Parameter visit: gets a roll-up with at least these parts, and a function that reads all of it, valid during the call.
  func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, parts: RollUpParts,
    _ visit: (RollUpKey, RollUp, _ whole: () throws -> RollUp) throws -> Void
  ) throws

  /// Returns what these subjects add to roll-ups. Subjects that add nothing or are gone are absent.
  func tallies(of ids: Set<FactID>) throws(StoreError) -> [FactID: [RunTally]]

  /// Returns the texts with these numbers. Unknown numbers are absent.
  func texts(of names: Set<FactName>) throws(StoreError) -> [FactName: String]

  /// Returns what facts are about. Facts outlive spans: a subject may be gone from the span store.
  func factSubjects(_ ids: Set<FactID>) throws(StoreError) -> [FactID: FactSubject]

  /// The stored values of the computation. See ``FactChanges/values``.
  func factValues() throws(StoreError) -> [String: [UInt8]]

  /// The progress of the computation of facts.
  func factProgress() throws(StoreError) -> FactProgress

  /// The items that persons left out of all numbers, by item, also those that are not known yet.
  func exclusions() throws(StoreError) -> [Exclusion]

  /// The facts about these items, each with the reason for which it is left out.
  func excludedFacts() throws(StoreError) -> [FactID: String]
}

extension FactSource {
  public func exclusions() throws(StoreError) -> [Exclusion] { [] }
  public func excludedFacts() throws(StoreError) -> [FactID: String] { [:] }
}

/// The parts of a roll-up that a report needs.
public enum RollUpParts: Sendable, Hashable {
  case counts
  /// The counts and the sketch of run times.
  case runTimes
  case all
}

extension FactSource {
  /// Reads whole roll-ups for sources that cannot read a part.
  public func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, parts: RollUpParts,
    _ visit: (RollUpKey, RollUp, _ whole: () throws -> RollUp) throws -> Void
  ) throws {
    try visitRollUps(level, days: days) { key, rollUp in try visit(key, rollUp) { rollUp } }
  }
}

extension FactSource {
  /// Encodes the facts for sources that hold them in another form.
  public func visitFactBytes(
    _ kind: FactKind, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    func encode<Row: Fact>(_ type: Row.Type) throws {
      try visitFacts(type, days: days, includesOpen: includesOpen) { try EncodedFact($0).bytes.withUnsafeBytes(visit) }
    }
    switch kind {
    case .change: try encode(ChangeFact.self)
    case .deploy: try encode(DeployFact.self)
    case .deliveredChange: try encode(DeliveredChange.self)
    case .incident: try encode(IncidentFact.self)
    case .issue: try encode(IssueFact.self)
    case .run: try encode(RunFact.self)
    }
  }
}

/// Stores facts beside the spans from which they derive.
///
/// Calls block. Make these calls from one thread at a time. Those of ``FactSource`` are safe to call concurrently.
public protocol FactStore: FactSource {
  /// Returns the numbers of these texts, in their order, and gives new numbers to new texts.
  ///
  /// Texts are the same only if their bytes are. A store numbers at most ``FactName/limit`` texts. Further ones count as
  /// ``FactName/other``.
  func factNames(for texts: [String]) throws(StoreError) -> [FactName]

  /// Returns work for the next step of the computation of facts, the longest waiting first.
  ///
  /// ``ProjectionStore/write(_:)`` adds to it all subjects and branches that it changes. A store from an earlier version, or of
  /// another ``FactFormat/version``, adds all its subjects, part by part.
  func pendingFacts(limit: Int) throws(StoreError) -> PendingFacts

  /// Writes all of these changes, or nothing.
  func write(_ changes: FactChanges) throws(StoreError)

  /// Removes all facts and computes them again from the stored subjects. Facts whose subjects are gone stay.
  func recomputeFacts() throws(StoreError)

  /// True if retention removed a subject with this key after its facts or tallies were written.
  ///
  /// What is told of the subject later makes a new one, of which little is known. The facts of the first one count.
  func hasKeptFacts(of key: SubjectKey) throws(StoreError) -> Bool

  /// Calls `visit` with what subjects that are gone from the span store added to roll-ups, in order of days.
  func visitGoneRollUps(_ visit: (DailyRollUp) throws -> Void) throws

  /// Removes facts of days before `day`, those of one subject together.
  ///
  /// Removes roll-ups in blocks of ``DailyRollUp/daysOfBlock`` days: a block whose last day is before `day`.
  ///
  /// - Returns: the number of removed rows. Call again while it is at least `limit`.
  func removeFacts(before day: FactDay, limit: Int) throws(StoreError) -> Int
}

/// What a fact is about, for evidence.
public struct FactSubject: Sendable, Hashable {
  public var id: FactID
  /// The key of the subject. For a direct change, the key of its branch.
  public var key: SubjectKey
  /// The name of its span, such as the title of a change.
  public var name: String
  /// Its page at the vendor. Nil if unknown.
  public var address: String?
  /// The trace in which it was when the fact was computed.
  public var traceID: TraceID

  public init(id: FactID, key: SubjectKey, name: String, address: String? = nil, traceID: TraceID) {
    self.id = id
    self.key = key
    self.name = name
    self.address = address
    self.traceID = traceID
  }
}

/// The facts of one subject, which replace all earlier ones.
public struct SubjectFacts: Sendable {
  public var subject: FactSubject
  /// Empty to remove the facts of the subject.
  public var rows: [EncodedFact]

  public init(subject: FactSubject, rows: [EncodedFact]) {
    self.subject = subject
    self.rows = rows
  }
}

/// A fact as a store keeps it.
public struct EncodedFact: Sendable, Hashable {
  public var kind: FactKind
  public var day: FactDay?
  /// For a ``DeliveredChange``, its change.
  public var change: FactID?
  public var bytes: [UInt8]

  public init(_ fact: some Fact) {
    kind = type(of: fact).kind
    day = fact.day
    change = (fact as? DeliveredChange)?.change
    var writer = FactWriter()
    fact.write(to: &writer)
    bytes = writer.bytes
  }
}

public struct FactChanges: Sendable {
  public var facts: [SubjectFacts] = []
  /// Subjects that are gone because they turned out to be another one. Their facts and tallies are removed.
  public var removed: [FactID] = []
  /// What subjects add to roll-ups, which replaces what they added before. Empty to add nothing.
  public var tallies: [FactID: [RunTally]] = [:]
  /// Roll-ups to add that no subject of the store accounts for.
  public var rollUps: [DailyRollUp] = []
  /// The pending work that these changes complete.
  public var completed: PendingFacts.Ticket?
  /// Named values of the computation that replace earlier ones. Empty to remove a value.
  public var values: [String: [UInt8]] = [:]

  public init() {}
}

/// Work for the computation of facts.
public struct PendingFacts: Sendable {
  /// Says which work is complete. Only the store understands it.
  public struct Ticket: Sendable, Hashable {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
  }

  /// Changed subjects that still exist, by id.
  public var subjects: [FactID: SubjectKey] = [:]
  /// Changed subjects that no longer exist because they turned out to be another one.
  public var absorbed: Set<FactID> = []
  /// Branches with new updates, each with the time of the earliest one.
  public var branches: [SubjectKey: Timestamp] = [:]
  public var ticket: Ticket?
  /// True if more work waits.
  public var hasMore = false

  public init() {}

  public var isEmpty: Bool { ticket == nil }
}

/// How far the facts of a store are computed.
public struct FactProgress: Sendable, Hashable {
  /// An upper bound of the stored subjects that are not computed since the store was migrated or the facts were reset.
  public var remainingSubjects: Int
  /// The number of batches of changes that wait to be computed.
  public var waitingBatches: Int
  /// The first day with facts. Nil if there are none.
  public var firstDay: FactDay?

  public init(remainingSubjects: Int = 0, waitingBatches: Int = 0, firstDay: FactDay? = nil) {
    self.remainingSubjects = remainingSubjects
    self.waitingBatches = waitingBatches
    self.firstDay = firstDay
  }
}
