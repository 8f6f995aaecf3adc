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
    let progress = try statement(.traceProgress)
    defer { progress.reset() }
    guard limit > 0, try progress.step() else { return [] }
    let (nextBlock, nextRecord) = (progress.int(0), progress.int(1))
    var keys: Set<SubjectKey> = []

    let exported = try statement(.exportedTraces)
    defer { exported.reset() }
    exported.bind(1, TraceBlocks.block(ofRecord: nextRecord))
    exported.bind(2, Int64(bitPattern: traceID.high))
    exported.bind(3, Int64(bitPattern: traceID.low))
    exported.bind(4, Int64(limit))
    while try exported.step() {
      if let key = try readable(.exportLedger, "of trace \(traceID)", { try key(exported, at: 0) }) { keys.insert(key) }
    }

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
    return Array(keys.sorted().prefix(limit))
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
