/// The members of a stored ``IssueFact``, without memory of their own.
///
/// Reports read a hundred thousand of these rows. Valid only during the call that provides the bytes.
package struct IssueColumns {
  package let id: FactID
  package let project: FactName
  package let type: FactName
  /// In nanoseconds; -1 if unknown, except for `created`, which is always known.
  package let created: Int64
  package let firstChange: Int64
  package let firstAssignment: Int64
  package let closed: Int64
  package let traits: IssueFact.Traits
  package let stayCount: Int
  private let row: FactColumns

  /// The places of the members in the encoded row. See ``IssueFact/write(to:)``.
  private enum Offset {
    static let (id, project, type, created) = (0, 8, 12, 16)
    static let (firstChange, firstAssignment, closed, traits, stayCount) = (24, 32, 40, 48, 49)
    static let stays = 53
    static let (stayStart, stayEnd, stay) = (4, 12, 20)
  }

  /// - Parameter bytes: an encoded ``IssueFact``.
  /// - Throws: ``DamagedFact`` if there are too few, or a time is out of range.
  package init(_ bytes: UnsafeRawBufferPointer) throws(DamagedFact) {
    row = try FactColumns(bytes, count: Offset.stays)
    id = row.id(Offset.id)
    project = row.name(Offset.project)
    type = row.name(Offset.type)
    created = row.load(Offset.created)
    firstChange = row.load(Offset.firstChange)
    firstAssignment = row.load(Offset.firstAssignment)
    closed = row.load(Offset.closed)
    traits = IssueFact.Traits(rawValue: row.load(Offset.traits))
    stayCount = Int(row.load(Offset.stayCount, UInt32.self))
    guard created >= 0, Timestamp.isTimeOrNone(created), Timestamp.isTimeOrNone(firstChange),
      Timestamp.isTimeOrNone(firstAssignment), Timestamp.isTimeOrNone(closed),
      stayCount <= (bytes.count - Offset.stays) / Offset.stay
    else { throw DamagedFact() }
    for index in 0..<stayCount {
      let (start, end) = (stay(index).start, stay(index).end)
      guard start >= 0, Timestamp.isTimeOrNone(start), Timestamp.isTimeOrNone(end) else { throw DamagedFact() }
    }
  }

  /// The time that the issue spent in one status. The end is -1 for the present status of an open issue.
  ///
  /// - Parameter index: less than ``stayCount``.
  package func stay(_ index: Int) -> (status: FactName, start: Int64, end: Int64) {
    let offset = Offset.stays + index * Offset.stay
    return (row.name(offset), row.load(offset + Offset.stayStart), row.load(offset + Offset.stayEnd))
  }
}
