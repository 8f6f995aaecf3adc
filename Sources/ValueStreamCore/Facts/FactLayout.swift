/// Where the members of an encoded fact stand, for kinds whose rows all have the same length.
///
/// Stores can keep the rows by member instead of by row, and those that reports read apart from the others.
package struct FactLayout: Sendable {
  package struct Member: Sendable {
    /// The first byte in the row.
    package let offset: Int
    /// The number of bytes: 1, 2, 4 or 8.
    package let width: Int
  }

  /// The members that reports read through ``ChangeColumns``, ``DeliveredChangeColumns``, ``RunColumns`` and the deploys that
  /// ``FactSource/visitFactBytes(_:days:includesOpen:_:)`` gives.
  package let ofReports: [Member]
  package let others: [Member]
  /// The length of a row.
  package let byteCount: Int

  /// - Parameter widths: in the order in which the members are written; negative for those that reports do not read.
  private init(_ widths: [Int]) {
    var (offset, ofReports, others): (Int, [Member], [Member]) = (0, [], [])
    for width in widths {
      let member = Member(offset: offset, width: abs(width))
      if width > 0 { ofReports.append(member) } else { others.append(member) }
      offset += member.width
    }
    (self.ofReports, self.others, byteCount) = (ofReports, others, offset)
  }

  /// The layout of a kind. Nil for issues, whose rows differ in length, and for incidents, of which there are few.
  package static func of(_ kind: FactKind) -> FactLayout? {
    switch kind {
    case .change: change
    case .deploy: deploy
    case .deliveredChange: deliveredChange
    case .run: run
    case .incident, .issue: nil
    }
  }

  private static let milestones = [8, 8, 8, 8, 8, 8]

  /// See ``ChangeFact/write(to:)``. Reports read neither the author nor the reverted change, the count of reviews, the issue
  /// and the placement.
  private static let change = FactLayout([8] + milestones + [4, -4, 4, 2, 1, 8, -8, 2, -2, 4, 4, 4, -8, -8])

  /// See ``DeployFact/write(to:)``. Reports read all of it.
  private static let deploy = FactLayout([8, 2, 4, 4, 4, 1, 8, 8, 8, 8, 1, 1, 1, 8, 2, 4])

  /// See ``DeliveredChange/write(to:)``. Reports know the target, commit and times from the deploy.
  private static let deliveredChange = FactLayout(
    [8, 2, -4, -4, -4, -1, -8, -8, -8, 8] + milestones + [4, -4, 4, 2, 8, -1])

  /// See ``RunFact/write(to:)``. Reports do not read the runner.
  private static let run = FactLayout([8, 2, 4, 4, 4, -4, 8, 8, 8, 8, 1, 8])
}
