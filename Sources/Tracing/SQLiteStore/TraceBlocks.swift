import ValueStreamCore

/// Finds traces by their ids.
///
/// A trace id is a hash of the key of the trace's root, so finding the root needs an index by trace id. But trace ids are
/// random, and in one index of all subjects each entry would touch a page of its own. So subjects are indexed in blocks,
/// by the trace whose root each is or would be, which never changes. When a block is full, its trace ids are computed,
/// sorted and written in order. A lookup searches each block, and then ``RecentTraces`` for the subjects that are in no
/// block yet.
///
/// The export ledger has its own order. Its rows are written with a block number and indexed at once: within a block, the
/// same few pages are touched again and again.
enum TraceBlocks {
  /// The number of subjects, or rows of the ledger, in a block.
  static let size: Int64 = 4096

  static func block(of sequence: Int64) -> Int64 { sequence / size }
  static func block(ofRecord number: Int64) -> Int64 { number / size }

  static func range(of block: Int64) -> Range<Int64> { block * size..<(block + 1) * size }
}

extension SpanStoreWriter {
  /// True if the next block has all its subjects and is not indexed yet.
  var hasFullBlock: Bool { TraceBlocks.range(of: nextBlock).upperBound <= counters.subject }

  func indexNextBlock() throws {
    let traces = try reader.ownTraces(TraceBlocks.range(of: nextBlock)).map { (Int64(bitPattern: $0.traceID.high), $0.sequence) }
    let insert = try reader.statement(.insertOwnTrace)
    for (high, sequence) in traces.sorted(by: <) {
      insert.bind(1, nextBlock)
      insert.bind(2, high)
      insert.bind(3, sequence)
      try insert.run()
    }
    nextBlock += 1
    let statement = try reader.statement(.setNextBlock)
    statement.bind(1, nextBlock)
    try statement.run()
  }

  func removeOwnTrace(of sequence: Int64, _ key: SubjectKey) throws {
    let block = TraceBlocks.block(of: sequence)
    guard block < nextBlock else { return }
    let statement = try reader.statement(.deleteOwnTrace)
    statement.bind(1, block)
    statement.bind(2, Int64(bitPattern: TraceID(root: key).high))
    statement.bind(3, sequence)
    try statement.run()
  }
}

extension SpanStoreReader {
  func keys(ofTrace traceID: TraceID, limit: Int) throws -> [SubjectKey] {
    guard limit > 0, let progress = try traceProgress() else { return [] }
    let exported = try keys(exportedIn: traceID, limit: limit, nextRecord: progress.nextRecord)
    let keys = try Set(exported).union(ownKeys(of: traceID, nextBlock: progress.nextBlock))
    return Array(keys.sorted().prefix(limit))
  }

  func keys(exportedIn traceID: TraceID, limit: Int) throws -> [SubjectKey] {
    guard limit > 0, let progress = try traceProgress() else { return [] }
    return try keys(exportedIn: traceID, limit: limit, nextRecord: progress.nextRecord).sorted()
  }

  /// Returns the first block of subjects that is not indexed, and the number of the next row of the ledger.
  private func traceProgress() throws -> (nextBlock: Int64, nextRecord: Int64)? {
    let progress = try statement(.traceProgress)
    defer { progress.reset() }
    return try progress.step() ? (progress.int(0), progress.int(1)) : nil
  }

  private func keys(exportedIn traceID: TraceID, limit: Int, nextRecord: Int64) throws -> [SubjectKey] {
    guard caches.filters.exportedTraces.mayContain(traceHigh: traceID.high) else { return [] }
    var keys: [SubjectKey] = []
    let exported = try statement(.exportedTraces)
    defer { exported.reset() }
    exported.bind(1, TraceBlocks.block(ofRecord: nextRecord))
    exported.bind(2, Int64(bitPattern: traceID.high))
    exported.bind(3, Int64(bitPattern: traceID.low))
    exported.bind(4, Int64(limit))
    while try exported.step() {
      if let key = try readable(.exportLedger, "of trace \(traceID)", { try key(exported, at: 0) }) { keys.append(key) }
    }
    return keys
  }

  /// Returns the subjects from whose keys the id of the trace derives, which is one at most unless two ids are equal.
  private func ownKeys(of traceID: TraceID, nextBlock: Int64) throws -> Set<SubjectKey> {
    var keys: Set<SubjectKey> = []
    let indexed = try statement(.ownTraces)
    defer { indexed.reset() }
    indexed.bind(1, nextBlock)
    indexed.bind(2, Int64(bitPattern: traceID.high))
    while try indexed.step() {
      let found = try readable(.subject, "of trace \(traceID)") { try key(indexed, at: 0) }
      if let found, TraceID(root: found) == traceID { keys.insert(found) }
    }
    let named = try statement(.subjectName)
    defer { named.reset() }
    for sequence in try caches.recentTraces.sequences(of: traceID, from: nextBlock, read: ownTraces) {
      named.reset()
      named.bind(1, sequence)
      guard try named.step() else { continue }
      let found = try readable(.subject, "in row \(sequence)") { try key(named, at: 0) }
      if let found, TraceID(root: found) == traceID { keys.insert(found) }
    }
    return keys
  }

  /// A row of the index of traces in the ledger of exports.
  struct TraceCursor {
    var block: Int64
    var high: Int64
  }

  /// Reads the first halves of the ids of traces in which something was exported.
  ///
  /// - Returns: the last row; nil after the end.
  func exportedTraces(after cursor: TraceCursor, limit: Int, _ visit: (_ high: UInt64) -> Void) throws -> TraceCursor? {
    let statement = try statement(.exportedTraceHighs)
    defer { statement.reset() }
    statement.bind(1, cursor.block)
    statement.bind(2, cursor.high)
    statement.bind(3, Int64(limit))
    var last: TraceCursor?
    while try statement.step() {
      let row = TraceCursor(block: statement.int(0), high: statement.int(1))
      visit(UInt64(bitPattern: row.high))
      last = row
    }
    return last
  }

  /// Returns the subjects with these sequences, each with the trace whose root it is or would be.
  func ownTraces(_ sequences: Range<Int64>) throws -> [(sequence: Int64, key: SubjectKey, traceID: TraceID)] {
    let statement = try statement(.subjectNames)
    defer { statement.reset() }
    statement.bind(1, sequences.lowerBound)
    statement.bind(2, sequences.upperBound)
    var result: [(sequence: Int64, key: SubjectKey, traceID: TraceID)] = []
    while try statement.step() {
      guard let key = try readable(.subject, "in row \(statement.int(0))", { try key(statement, at: 1) }) else { continue }
      result.append((statement.int(0), key, TraceID(root: key)))
    }
    return result
  }

  // MARK: Kinds

  func kinds() throws -> [SubjectKind] {
    let statement = try statement(.kinds)
    defer { statement.reset() }
    var result: [SubjectKind] = []
    while try statement.step() {
      result.append(
        SubjectKind(source: statement.text(0), host: statement.text(1), operation: Operation(rawValue: statement.text(2))))
    }
    return result
  }

  /// Returns the kinds of all stored subjects. Slow; used only to migrate an older file.
  func usedKinds() throws -> Set<SubjectKind> {
    let statement = try statement(.usedKinds)
    defer { statement.reset() }
    var result: Set<SubjectKind> = []
    while try statement.step() {
      guard let key = try readable(.subject, "of kind \(statement.text(3))", { try key(statement, at: 0) }) else { continue }
      result.insert(SubjectKind(key, Operation(rawValue: statement.text(3))))
    }
    return result
  }
}
