/// An issue or another tracked item, with the statuses that it passed.
public struct IssueFact: Fact {
  public static let kind = FactKind.issue

  public var id: FactID
  /// The repository or the tracker's project.
  public var project: FactName
  /// Such as `Bug` or `Story`.
  public var type: FactName
  public var created: Timestamp
  /// The start of the first change for the issue, and its first assignment. They tell when work began if the tracker has
  /// no statuses.
  public var firstChange: Timestamp?
  public var firstAssignment: Timestamp?
  /// Nil while the issue is open. After a reopening, the last end counts.
  public var closed: Timestamp?
  public var traits: Traits
  /// In order of time, without gaps for trackers that have statuses. Empty for others.
  public var statuses: [StatusStay]

  public struct Traits: OptionSet, Sendable, Hashable {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The issue was closed without being done: declined, a duplicate, not planned.
    public static let isNotDone = Traits(rawValue: 1 << 0)
    public static let isBlocked = Traits(rawValue: 1 << 1)
    public static let isCreationUnknown = Traits(rawValue: 1 << 2)
    public static let isClosingUnknown = Traits(rawValue: 1 << 3)
    public static let isImported = Traits(rawValue: 1 << 4)
  }

  /// The time that an issue spent in one status.
  public struct StatusStay: Sendable, Hashable {
    public var status: FactName
    public var start: Timestamp
    /// Nil for the present status of an open issue.
    public var end: Timestamp?

    public init(status: FactName, start: Timestamp, end: Timestamp?) {
      self.status = status
      self.start = start
      self.end = end
    }
  }

  public var day: FactDay? { closed.map { FactDay($0) } }

  public init(
    id: FactID, project: FactName = .none, type: FactName = .none, created: Timestamp, firstChange: Timestamp? = nil,
    firstAssignment: Timestamp? = nil, closed: Timestamp? = nil, traits: Traits = [], statuses: [StatusStay] = []
  ) {
    self.id = id
    self.project = project
    self.type = type
    self.created = created
    self.firstChange = firstChange
    self.firstAssignment = firstAssignment
    self.closed = closed
    self.traits = traits
    self.statuses = statuses
  }

  public func write(to writer: inout FactWriter) {
    writer.put(id)
    writer.put(project)
    writer.put(type)
    writer.put(created)
    writer.put(firstChange)
    writer.put(firstAssignment)
    writer.put(closed)
    writer.put(traits.rawValue)
    writer.put(UInt32(truncatingIfNeeded: statuses.count))
    for stay in statuses {
      writer.put(stay.status)
      writer.put(stay.start)
      writer.put(stay.end)
    }
  }

  public init(from reader: inout FactReader) throws(DamagedFact) {
    id = try reader.id()
    project = try reader.name()
    type = try reader.name()
    created = try reader.time()
    firstChange = try reader.optionalTime()
    firstAssignment = try reader.optionalTime()
    closed = try reader.optionalTime()
    traits = Traits(rawValue: try reader.value())
    let count = try reader.value(UInt32.self)
    statuses = []
    for _ in 0..<count {
      statuses.append(StatusStay(status: try reader.name(), start: try reader.time(), end: try reader.optionalTime()))
    }
  }
}
