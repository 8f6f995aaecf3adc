package import ValueStreamCore

/// The names of a roll-up within its level, as two numbers whose order is that of ``RollUpKey``.
package struct PackedRollUpKey: Hashable, Comparable {
  package var high: UInt64
  package var low: UInt64

  /// Greater than every key.
  static let last = PackedRollUpKey(high: .max, low: .max)

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  package init(_ key: RollUpKey) {
    high = UInt64(key.repository.rawValue) << 32 | UInt64(key.workflow.rawValue)
    low = UInt64(key.job.rawValue) << 32 | UInt64(key.runner.rawValue)
  }

  package func key(_ level: RollUpLevel) -> RollUpKey {
    func name(_ number: UInt64) -> FactName { FactName(rawValue: UInt32(truncatingIfNeeded: number)) }
    return RollUpKey(
      level, repository: name(high >> 32), workflow: name(high), job: name(low >> 32), runner: name(low))
  }

  package static func < (left: PackedRollUpKey, right: PackedRollUpKey) -> Bool {
    left.high == right.high ? left.low < right.low : left.high < right.high
  }
}

/// The roll-ups of a level for a day, or their sums for a block of days (see ``DailyRollUp/daysOfBlock``).
struct RollUpPlace: Hashable {
  var level: RollUpLevel
  var span: Span
  /// The day or the block.
  var start: Int64

  /// Raw values are stored.
  enum Span: Int64 {
    case day = 0
    case block = 1
  }

  /// The place in words, for reports of damage.
  var text: String { "roll-ups of \(level) of \(span) \(start)" }
}

/// A page of roll-ups: groups in the order of their keys. A group is the key in 16 bytes, the length of its roll-up in 4 bytes,
/// and the roll-up: its counts and the entries of its two sketches as numbers of variable length.
struct RollUpPage {
  private let bytes: UnsafeRawBufferPointer
  private(set) var offset = 0

  /// The size that a page should not exceed. A larger group has a page of its own.
  static let byteLimit = 64 << 10

  static let headerCount = 20

  init(_ bytes: UnsafeRawBufferPointer, from offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  mutating func next() throws(DamagedBytes) -> (key: PackedRollUpKey, rollUp: UnsafeRawBufferPointer)? {
    guard offset < bytes.count else { return nil }
    guard bytes.count - offset >= Self.headerCount else { throw DamagedBytes() }
    let key = PackedRollUpKey(
      high: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
      low: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)))
    let count = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt32.self)))
    offset += Self.headerCount
    guard bytes.count - offset >= count else { throw DamagedBytes() }
    defer { offset += count }
    return (key, UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
  }

  static func append(_ key: PackedRollUpKey, _ rollUp: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: key.high.littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: key.low.littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: rollUp.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: rollUp)
  }
}

extension RollUpCounts {
  /// The counts in the order in which they are stored. A byte in front tells which of them are not 0.
  fileprivate var values: [Int64] {
    [runs, failures, undecided, reruns, runMilliseconds, failureMilliseconds, negativeQueues, negativeRuns]
  }
}

extension RollUp {
  package var packed: [UInt8] {
    var writer = PackedWriter()
    let values = counts.values
    var mask: UInt8 = 0
    for (index, value) in values.enumerated() where value != 0 { mask |= 1 << UInt8(index) }
    writer.bytes.append(mask)
    for value in values where value != 0 { writer.put(value) }
    for sketch in [queue, run] {
      writer.put(UInt64(sketch.entries.count))
      var last: UInt64 = 0
      for entry in sketch.entries {
        writer.put(UInt64(entry.bucket) - last)
        writer.put(entry.count)
        last = UInt64(entry.bucket)
      }
    }
    return writer.bytes
  }
}

/// Adds up stored roll-ups of one key, and is used again for the next key.
package final class RollUpAccumulator {
  private var counts = RollUpCounts()
  private let queue = BucketCounts()
  private let run = BucketCounts()

  package init() {}

  /// Adds a stored roll-up. After an error, a part of it was added.
  ///
  /// - Parameter parts: what to add at least.
  package func add(_ bytes: UnsafeRawBufferPointer, _ parts: RollUpParts = .all) throws(DamagedBytes) {
    var reader = PackedReader(bytes)
    let mask = try reader.byte()
    for index in 0..<8 where mask & 1 << UInt8(index) != 0 {
      let value = try reader.signed()
      switch index {
      case 0: counts.runs &+= value
      case 1: counts.failures &+= value
      case 2: counts.undecided &+= value
      case 3: counts.reruns &+= value
      case 4: counts.runMilliseconds &+= value
      case 5: counts.failureMilliseconds &+= value
      case 6: counts.negativeQueues &+= value
      default: counts.negativeRuns &+= value
      }
    }
    if parts == .counts { return }
    if parts == .all { try queue.add(&reader) } else { try BucketCounts.skip(&reader) }
    try run.add(&reader)
  }

  package func add(_ rollUp: RollUp) {
    counts.add(rollUp.counts, times: 1)
    queue.add(rollUp.queue)
    run.add(rollUp.run)
  }

  /// Returns the sum and starts anew.
  package func take() -> RollUp {
    defer { counts = RollUpCounts() }
    return RollUp(counts: counts, queue: queue.take(), run: run.take())
  }
}

/// The counts of all buckets of a sketch.
private final class BucketCounts {
  private let counts: UnsafeMutableBufferPointer<Int64>
  /// A bit for each bucket that may be in use.
  private let used: UnsafeMutableBufferPointer<UInt64>

  init() {
    counts = .allocate(capacity: Int(DurationSketch.lastBucket) + 1)
    counts.initialize(repeating: 0)
    used = .allocate(capacity: (counts.count + 63) / 64)
    used.initialize(repeating: 0)
  }

  deinit {
    counts.deallocate()
    used.deallocate()
  }

  /// Passes over a sketch.
  static func skip(_ reader: inout PackedReader) throws(DamagedBytes) {
    let (count, overflow) = (try reader.count()).multipliedReportingOverflow(by: 2)
    guard !overflow else { throw DamagedBytes() }
    try reader.skip(count)
  }

  func add(_ reader: inout PackedReader) throws(DamagedBytes) {
    var bucket = 0
    for _ in 0..<(try reader.count()) {
      let (step, count) = try reader.pair()
      guard step < UInt64(counts.count) else { throw DamagedBytes() }
      bucket += Int(step)
      guard bucket < counts.count else { throw DamagedBytes() }
      add(count, at: bucket)
    }
  }

  func add(_ sketch: DurationSketch) {
    for entry in sketch.entries { add(entry.count, at: min(Int(entry.bucket), counts.count - 1)) }
  }

  @inline(__always)
  private func add(_ count: Int64, at bucket: Int) {
    counts[bucket] &+= count
    used[bucket >> 6] |= 1 << UInt64(bucket & 63)
  }

  /// Returns the sum and starts anew.
  func take() -> DurationSketch {
    let capacity = used.reduce(0) { $0 + $1.nonzeroBitCount }
    guard capacity > 0 else { return DurationSketch() }
    let entries = [DurationSketch.Entry](unsafeUninitializedCapacity: capacity) { entries, initialized in
      for word in used.indices {
        var bits = used[word]
        used[word] = 0
        while bits != 0 {
          let bucket = word << 6 | bits.trailingZeroBitCount
          bits &= bits - 1
          let count = counts[bucket]
          counts[bucket] = 0
          guard count != 0 else { continue }
          entries.initializeElement(
            at: initialized, to: DurationSketch.Entry(bucket: DurationSketch.Bucket(truncatingIfNeeded: bucket), count: count))
          initialized += 1
        }
      }
    }
    return DurationSketch(sorted: entries)
  }
}

/// Tallies as stored: those of a subject in `run_tally`, and signed ones in `rollup_change`.
package enum PackedTallies {
  private static let hasQueue: UInt8 = 1 << 6
  private static let hasRun: UInt8 = 1 << 7

  static func put(_ tally: RunTally, to writer: inout PackedWriter) {
    var head = tally.traits.rawValue
    if tally.queue != nil { head |= hasQueue }
    if tally.run != nil { head |= hasRun }
    writer.bytes.append(head)
    writer.put(Int64(tally.day.rawValue))
    for name in [tally.repository, tally.workflow, tally.job, tally.runner] { writer.put(UInt64(name.rawValue)) }
    if let queue = tally.queue { writer.put(UInt64(queue)) }
    if let run = tally.run { writer.put(UInt64(run)) }
    writer.put(UInt64(clamping: tally.runMilliseconds))
  }

  static func tally(_ reader: inout PackedReader) throws(DamagedBytes) -> RunTally {
    let head = try reader.byte()
    guard let day = Int32(exactly: try reader.signed()) else { throw DamagedBytes() }
    var tally = RunTally(day: FactDay(rawValue: day), traits: RunTally.Traits(rawValue: head & ~(hasQueue | hasRun)))
    tally.repository = try name(&reader)
    tally.workflow = try name(&reader)
    tally.job = try name(&reader)
    tally.runner = try name(&reader)
    if head & hasQueue != 0 { tally.queue = try bucket(&reader) }
    if head & hasRun != 0 { tally.run = try bucket(&reader) }
    tally.runMilliseconds = Int64(clamping: try reader.unsigned())
    return tally
  }

  private static func name(_ reader: inout PackedReader) throws(DamagedBytes) -> FactName {
    guard let number = UInt32(exactly: try reader.unsigned()) else { throw DamagedBytes() }
    return FactName(rawValue: number)
  }

  private static func bucket(_ reader: inout PackedReader) throws(DamagedBytes) -> DurationSketch.Bucket {
    guard let bucket = DurationSketch.Bucket(exactly: try reader.unsigned()), bucket <= DurationSketch.lastBucket else {
      throw DamagedBytes()
    }
    return bucket
  }

  /// The tallies of a subject.
  package static func bytes(_ tallies: [RunTally]) -> [UInt8] {
    var writer = PackedWriter()
    for tally in tallies { put(tally, to: &writer) }
    return writer.bytes
  }

  package static func tallies(_ bytes: UnsafeRawBufferPointer) throws(DamagedBytes) -> [RunTally] {
    var reader = PackedReader(bytes)
    var tallies: [RunTally] = []
    while !reader.isAtEnd { tallies.append(try tally(&reader)) }
    return tallies
  }

  /// Tallies that were added (1) or subtracted (-1).
  static func append(_ tally: RunTally, times: Int64, to bytes: inout [UInt8]) {
    var writer = PackedWriter(bytes: bytes)
    bytes = []
    writer.put(times)
    put(tally, to: &writer)
    bytes = writer.bytes
  }

  static func visitSigned(
    _ bytes: UnsafeRawBufferPointer, _ visit: (RunTally, _ times: Int64) throws -> Void
  ) throws {
    var reader = PackedReader(bytes)
    while !reader.isAtEnd {
      let times = try reader.signed()
      try visit(try tally(&reader), times)
    }
  }
}
