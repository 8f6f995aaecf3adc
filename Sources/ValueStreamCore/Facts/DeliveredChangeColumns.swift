/// The members of a stored ``DeliveredChange`` from which most reports are computed.
///
/// Reports read hundreds of thousands of these rows, so the other members are not decoded.
package struct DeliveredChangeColumns {
  package let id: FactID
  package let attempt: UInt16
  package let change: FactID
  /// In nanoseconds; -1 if unknown.
  package let firstCommit: Int64
  package let opened: Int64
  package let ready: Int64
  package let firstResponse: Int64
  package let lastApproval: Int64
  package let merged: Int64
  package let repository: FactName
  package let workType: FactName
  package let traits: ChangeLabels.Traits
  /// 0 if unknown.
  package let reverts: UInt64

  /// The places of the members in the encoded row. See ``DeliveredChange/write(to:)``.
  private enum Offset {
    static let (id, attempt, change) = (0, 8, 47)
    static let (firstCommit, opened, ready, firstResponse, lastApproval, merged) = (55, 63, 71, 79, 87, 95)
    static let (repository, workType, traits, reverts) = (103, 111, 115, 117)
    static let end = 126
  }

  /// - Parameter bytes: an encoded ``DeliveredChange``.
  /// - Throws: ``DamagedFact`` if there are too few, or a time is out of range.
  package init(_ bytes: UnsafeRawBufferPointer) throws(DamagedFact) {
    let row = try FactColumns(bytes, count: Offset.end)
    id = row.id(Offset.id)
    attempt = row.load(Offset.attempt)
    change = row.id(Offset.change)
    firstCommit = row.load(Offset.firstCommit)
    opened = row.load(Offset.opened)
    ready = row.load(Offset.ready)
    firstResponse = row.load(Offset.firstResponse)
    lastApproval = row.load(Offset.lastApproval)
    merged = row.load(Offset.merged)
    repository = row.name(Offset.repository)
    workType = row.name(Offset.workType)
    traits = ChangeLabels.Traits(rawValue: row.load(Offset.traits))
    reverts = row.load(Offset.reverts)
    guard Timestamp.isTimeOrNone(firstCommit), Timestamp.isTimeOrNone(opened), Timestamp.isTimeOrNone(ready),
      Timestamp.isTimeOrNone(firstResponse), Timestamp.isTimeOrNone(lastApproval), Timestamp.isTimeOrNone(merged)
    else { throw DamagedFact() }
  }
}
