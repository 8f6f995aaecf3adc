import ValueStreamCore

extension SpanStoreWriter {
  /// Adds records to the export ledger. Records that exist already stay unchanged.
  func add(_ records: [ExportRecord]) throws {
    guard !records.isEmpty else { return }
    try transaction {
      for record in records {
        let name = StoredName(record.key)
        let trace = try reader.statement(.insertTrace)
        try bind(name, to: trace)
        trace.bind(4, Int64(bitPattern: record.traceID.high))
        trace.bind(5, Int64(bitPattern: record.traceID.low))
        trace.bind(6, TraceBlocks.block(ofRecord: counters.record))
        caches.filters.exportedTraces.insert(traceHigh: record.traceID.high)
        try trace.run()
        counters.record += 1
        for attempt in record.attempts {
          let statement = try reader.statement(.insertAttempt)
          try bind(name, to: statement)
          statement.bind(4, Int64(attempt.number))
          statement.bind(5, attempt.parentSpanID.map { Int64(bitPattern: $0.rawValue) })
          try statement.run()
        }
      }
    }
  }

  func write(_ rejection: ExportRejection) throws {
    let insert = try reader.statement(.insertRejection)
    insert.bind(1, rejection.exporter)
    insert.bind(2, rejection.time.nanoseconds)
    insert.bind(3, Int64(rejection.count))
    insert.bind(4, rejection.reason)
    insert.bind(5, RejectedAttempts.text(of: rejection.attempts))
    try insert.run()
    let delete = try reader.statement(.deleteRejections)
    delete.bind(1, Int64(ExportRejection.keptCount))
    try delete.run()
  }

  func removeExportRecord(of key: SubjectKey) throws {
    for query in [SpanStoreQuery.deleteTrace, .deleteAttempts] {
      let statement = try reader.statement(query)
      try bind(StoredName(key), to: statement)
      try statement.run()
    }
  }

  /// Removes a subject that turned out to be another one. That one takes over its outbox entries and export records.
  ///
  /// - Returns: the sequences of both; nil if one is not stored.
  func absorb(_ fallback: SubjectKey, into key: SubjectKey) throws -> (absorbed: Int64, absorbing: Int64)? {
    guard let absorbed = try sequence(of: fallback)?.sequence, let absorbing = try sequence(of: key)?.sequence else { return nil }
    let inOutbox = try outboxEntries(ofSubject: absorbed)
    if !inOutbox.isEmpty {
      // Each entry refers to the one before it, and the subject to its newest, so all entries of the two are chained
      // anew.
      let all = (try outboxEntries(ofSubject: absorbing) + inOutbox).sorted()
      for (index, sequence) in all.enumerated() {
        let move = try reader.statement(.moveOutboxEntry)
        try bind(StoredName(key), to: move)
        move.bind(4, sequence)
        move.bind(5, index > 0 ? all[index - 1] : nil)
        try move.run()
      }
      let note = try reader.statement(.noteOutboxEntry)
      note.bind(1, absorbing)
      note.bind(2, all.last)
      try note.run()
    }
    for query in [SpanStoreQuery.moveTrace, .moveAttempts] {
      let move = try reader.statement(query)
      try bind(StoredName(fallback), to: move)
      try bind(StoredName(key), to: move, at: 4)
      try move.run()
    }
    try removeExportRecord(of: fallback)
    try absorbMeasurement(of: absorbed, into: absorbing)
    try remove(absorbed, fallback)
    return (absorbed, absorbing)
  }

  private func outboxEntries(ofSubject sequence: Int64) throws -> [Int64] {
    let newest = try reader.statement(.newestOutboxEntry)
    newest.bind(1, sequence)
    defer { newest.reset() }
    var next = try newest.step() ? newest.optionalInt(0) : nil
    let previous = try reader.statement(.previousOutboxEntry)
    var result: [Int64] = []
    while let current = next {
      result.append(current)
      previous.bind(1, current)
      next = try previous.step() ? previous.optionalInt(0) : nil
      previous.reset()
    }
    return result
  }
}
