/// The members of a stored ``ChangeFact`` from which most reports are computed.
package struct ChangeColumns {
  package let id: FactID
  /// In nanoseconds; -1 if unknown.
  package let firstCommit: Int64
  package let opened: Int64
  package let ready: Int64
  package let firstResponse: Int64
  package let lastApproval: Int64
  package let merged: Int64
  package let abandoned: Int64
  package let repository: FactName
  package let workType: FactName
  package let traits: ChangeLabels.Traits
  package let state: ChangeState
  package let reviewRounds: UInt16
  package let secondsWaitingForReviewer: Float
  package let secondsWaitingForAuthor: Float
  /// The greatest number if the vendor does not say.
  package let size: UInt32

  /// The places of the members in the encoded row. See ``ChangeFact/write(to:)``.
  private enum Offset {
    static let (id, firstCommit, opened, ready, firstResponse, lastApproval, merged) = (0, 8, 16, 24, 32, 40, 48)
    static let (repository, workType, traits, state, abandoned) = (56, 64, 68, 70, 71)
    static let (reviewRounds, waitingForReviewer, waitingForAuthor, size) = (87, 91, 95, 99)
    static let end = 119
  }

  /// - Parameter bytes: an encoded ``ChangeFact``.
  /// - Throws: ``DamagedFact`` if there are too few, or a value is out of range.
  package init(_ bytes: UnsafeRawBufferPointer) throws(DamagedFact) {
    let row = try FactColumns(bytes, count: Offset.end)
    id = row.id(Offset.id)
    firstCommit = row.load(Offset.firstCommit)
    opened = row.load(Offset.opened)
    ready = row.load(Offset.ready)
    firstResponse = row.load(Offset.firstResponse)
    lastApproval = row.load(Offset.lastApproval)
    merged = row.load(Offset.merged)
    abandoned = row.load(Offset.abandoned)
    repository = row.name(Offset.repository)
    workType = row.name(Offset.workType)
    traits = ChangeLabels.Traits(rawValue: row.load(Offset.traits))
    reviewRounds = row.load(Offset.reviewRounds)
    secondsWaitingForReviewer = Float(bitPattern: row.load(Offset.waitingForReviewer))
    secondsWaitingForAuthor = Float(bitPattern: row.load(Offset.waitingForAuthor))
    size = row.load(Offset.size)
    guard let state = ChangeState(rawValue: row.load(Offset.state)), Timestamp.isTimeOrNone(firstCommit),
      Timestamp.isTimeOrNone(opened), Timestamp.isTimeOrNone(ready), Timestamp.isTimeOrNone(firstResponse),
      Timestamp.isTimeOrNone(lastApproval), Timestamp.isTimeOrNone(merged), Timestamp.isTimeOrNone(abandoned)
    else { throw DamagedFact() }
    self.state = state
  }

  /// When the change was merged or closed. Nil while it is open.
  package var closedTime: Timestamp? {
    let time: Int64 =
      switch state {
      case .open: -1
      case .merged: merged
      case .abandoned: abandoned
      }
    return time < 0 ? nil : Timestamp(nanoseconds: time)
  }
}

extension Timestamp {
  /// True for the nanoseconds of a valid time, and for -1, which stands for none in stored facts.
  static func isTimeOrNone(_ nanoseconds: Int64) -> Bool {
    UInt64(bitPattern: nanoseconds &+ 1) <= UInt64(latest.nanoseconds) + 1
  }
}
