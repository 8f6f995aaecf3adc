import SQLiteStore
package import ValueStreamCore

/// Finds rows that cannot be read, and removes what cannot be repaired.
extension PostgresSpanStore {
  /// Reads every row, so that all damage goes to the damage report in the options.
  package func examine() throws {
    try readEveryRecord()
    _ = try damagedBranchUpdates()
    try examineFacts()
  }

  /// Removes damaged branch updates, and the damaged lists of attempts of rejections. Needs the lease.
  ///
  /// A replay restores everything else that is damaged.
  package func removeDamaged() throws(StoreError) {
    let updates = try damagedBranchUpdates()
    let rejections = try pool.query("SELECT sequence, attempts FROM @export_refusal")
      .filter { RejectedAttempts.attempts(in: $0.text(1)) == nil }.map { $0.int(0) }
    try lease.transaction { connection in
      for update in updates {
        try connection.run(
          pool.sql("DELETE FROM @branch_update WHERE branch = $1 AND time = $2 AND data = $3"),
          [.bytes(update.branch), .integer(update.time), .bytes(update.data)])
      }
      try connection.run(
        pool.sql("UPDATE @export_refusal SET attempts = '' WHERE sequence = ANY($1)"), [.integers(rejections)])
    }
  }

  private func damagedBranchUpdates() throws(StoreError) -> [(branch: [UInt8], time: Int64, data: [UInt8])] {
    var damaged: [(branch: [UInt8], time: Int64, data: [UInt8])] = []
    try StoreError.catching {
      try pool.stream("SELECT branch, time, data FROM @branch_update", []) { row in
        if try branchUpdate(row) == nil { damaged.append((row.bytes(0), row.int(1), row.bytes(2))) }
      }
    }
    return damaged
  }

  private func examineFacts() throws {
    func examine<Row: Fact>(_ type: Row.Type) throws {
      let days = FactDay(rawValue: .min)...FactDay(rawValue: .max)
      try visitFacts(type, days: days, includesOpen: true) { _ in }
    }
    try examine(ChangeFact.self)
    try examine(DeployFact.self)
    try examine(DeliveredChange.self)
    try examine(IncidentFact.self)
    try examine(IssueFact.self)
    try examine(RunFact.self)
    for level in RollUpLevel.allCases {
      try visitRollUps(level, days: FactDay(rawValue: .min)...FactDay(rawValue: .max)) { _, _ in }
    }
  }
}
