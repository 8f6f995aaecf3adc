import ValueStreamCore

/// Finds damage and removes what cannot be repaired.
extension SQLiteSpanStore {
  /// Reads every record, so that all damage goes to the damage report in the options.
  package func examine() throws {
    do {
      try readEveryRecord()
      try examineBranchUpdates()
      try withReader { try $0.examineFacts() }
    } catch let error as StoreError where error.code == .corrupt {
      options.damage.note(StoreDamage(.subject, "in the file itself", reason: error.message))
    }
  }

  /// Removes damaged counters, fingerprints and branch updates, and the damaged lists of attempts of rejections.
  ///
  /// A replay restores everything else that is damaged.
  package func removeDamaged() throws {
    try withWriter { try $0.removeDamaged() }
  }

  private func examineBranchUpdates() throws {
    _ = try withReader { try $0.damagedBranchUpdates() }
  }
}

extension SpanStoreReader {
  /// Returns the branch updates that cannot be read: the name and time of each row, and its bytes.
  func damagedBranchUpdates() throws -> [(name: (Int64, Int64, String), time: Int64, data: [UInt8])] {
    let rows = try connection.prepare("SELECT space, number, text, time, data FROM branch_update")
    defer { rows.reset() }
    var damaged: [(name: (Int64, Int64, String), time: Int64, data: [UInt8])] = []
    while try rows.step() {
      let update = try readable(.branchUpdate, "row \(rows.int(0)) \(rows.int(1)) \(rows.text(2)) at \(rows.int(3))") {
        try branchUpdate(of: key(rows, at: 0), rows, at: 3)
      }
      if update == nil { damaged.append(((rows.int(0), rows.int(1), rows.text(2)), rows.int(3), rows.bytes(4))) }
    }
    return damaged
  }
}

extension SpanStoreWriter {
  func removeDamaged() throws {
    let connection = reader.connection
    try transaction {
      var values: [String] = []
      let allValues = try connection.prepare("SELECT name, bytes, checksum FROM named_value WHERE checksum IS NOT NULL")
      while try allValues.step() {
        if allValues.int(2) != Checksum.of(allValues.bytes(1)) { values.append(allValues.text(0)) }
      }
      for name in values {
        let remove = try connection.prepare("DELETE FROM named_value WHERE name = ?1")
        remove.bind(1, name)
        try remove.run()
      }
      var batches: [Int64] = []
      let allBatches = try connection.prepare("SELECT batch, data, checksum FROM fingerprint WHERE checksum IS NOT NULL")
      while try allBatches.step() {
        if allBatches.int(2) != Checksum.of(allBatches.bytes(1)) { batches.append(allBatches.int(0)) }
      }
      for batch in batches { try connection.execute("DELETE FROM fingerprint WHERE batch = \(batch)") }
      for row in try reader.damagedBranchUpdates() {
        let remove = try connection.prepare(
          "DELETE FROM branch_update WHERE space = ?1 AND number = ?2 AND text = ?3 AND time = ?4 AND data = ?5")
        remove.bind(1, row.name.0)
        remove.bind(2, row.name.1)
        remove.bind(3, row.name.2)
        remove.bind(4, row.time)
        remove.bind(5, row.data)
        try remove.run()
      }
      for rejection in try reader.unreadableRejections() {
        try connection.execute("UPDATE export_refusal SET attempts = '' WHERE sequence = \(rejection)")
      }
    }
  }
}

extension SpanStoreReader {
  fileprivate func unreadableRejections() throws -> [Int64] {
    let rows = try connection.prepare("SELECT sequence, attempts FROM export_refusal")
    defer { rows.reset() }
    var result: [Int64] = []
    while try rows.step() {
      if RejectedAttempts.attempts(in: rows.text(1)) == nil { result.append(rows.int(0)) }
    }
    return result
  }
}
