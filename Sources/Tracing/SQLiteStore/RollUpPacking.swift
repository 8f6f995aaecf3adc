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

/// Reads numbers of variable length from memory. Valid only during the call that provides the bytes.
struct RollUpReader: PackedSource {
  private let bytes: UnsafeRawBufferPointer
  private(set) var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { offset >= bytes.count }

  @inline(__always)
  mutating func byte() throws(DamagedBytes) -> UInt8 {
    guard offset < bytes.count else { throw DamagedBytes() }
    defer { offset += 1 }
    return bytes[offset]
  }

  /// Most numbers have one byte. Reports read millions of them.
  @inline(__always)
  mutating func unsigned() throws(DamagedBytes) -> UInt64 {
    if offset < bytes.count, bytes[offset] < 0x80 {
      defer { offset += 1 }
      return UInt64(bytes[offset])
    }
    return try long()
  }

  @inline(__always)
  mutating func signed() throws(DamagedBytes) -> Int64 {
    let value = try unsigned()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  private mutating func long() throws(DamagedBytes) -> UInt64 {
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 64 {
      let byte = try byte()
      result |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return result }
      shift += 7
    }
    throw DamagedBytes()
  }

  mutating func bytes(_ count: Int) throws(DamagedBytes) -> [UInt8] {
    guard count >= 0, bytes.count - offset >= count else { throw DamagedBytes() }
    defer { offset += count }
    return Array(bytes[offset..<offset + count])
  }
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
  package func add(_ bytes: UnsafeRawBufferPointer) throws(DamagedBytes) {
    var reader = RollUpReader(bytes)
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
    try queue.add(&reader)
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
  /// The buckets that may be in use.
  private var low = Int.max
  private var high = -1

  init() {
    counts = .allocate(capacity: Int(DurationSketch.lastBucket) + 1)
    counts.initialize(repeating: 0)
  }

  deinit { counts.deallocate() }

  func add(_ reader: inout RollUpReader) throws(DamagedBytes) {
    var (bucket, low, high) = (0, low, high)
    defer { (self.low, self.high) = (low, high) }
    for _ in 0..<(try reader.count()) {
      let step = try reader.unsigned()
      guard step < UInt64(counts.count) else { throw DamagedBytes() }
      bucket += Int(step)
      guard bucket < counts.count else { throw DamagedBytes() }
      counts[bucket] &+= try reader.signed()
      low = min(low, bucket)
      high = max(high, bucket)
    }
  }

  func add(_ sketch: DurationSketch) {
    for entry in sketch.entries {
      let bucket = min(Int(entry.bucket), counts.count - 1)
      counts[bucket] &+= entry.count
      low = min(low, bucket)
      high = max(high, bucket)
    }
  }

  /// Returns the sum and starts anew.
  func take() -> DurationSketch {
    guard low <= high else { return DurationSketch() }
    var used = 0
    for bucket in low...high where counts[bucket] != 0 { used += 1 }
    let entries = [DurationSketch.Entry](unsafeUninitializedCapacity: used) { entries, initialized in
      for bucket in low...high where counts[bucket] != 0 {
        entries.initializeElement(
          at: initialized,
          to: DurationSketch.Entry(bucket: DurationSketch.Bucket(truncatingIfNeeded: bucket), count: counts[bucket]))
        initialized += 1
        counts[bucket] = 0
      }
    }
    (low, high) = (.max, -1)
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

  static func tally(_ reader: inout RollUpReader) throws(DamagedBytes) -> RunTally {
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

  private static func name(_ reader: inout RollUpReader) throws(DamagedBytes) -> FactName {
    guard let number = UInt32(exactly: try reader.unsigned()) else { throw DamagedBytes() }
    return FactName(rawValue: number)
  }

  private static func bucket(_ reader: inout RollUpReader) throws(DamagedBytes) -> DurationSketch.Bucket {
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
    var reader = RollUpReader(bytes)
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
    var reader = RollUpReader(bytes)
    while !reader.isAtEnd {
      let times = try reader.signed()
      try visit(try tally(&reader), times)
    }
  }
}
