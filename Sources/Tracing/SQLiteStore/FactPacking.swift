import ValueStreamCore

/// A kind of facts on one day. Stores keep the facts of a subject by place.
struct FactPlace: Hashable {
  var kind: FactKind
  /// The UTC day; ``FactPlace/openDay`` for facts without a day.
  var day: Int64

  /// Greater than every ``FactDay``, so that facts without a day come last.
  static let openDay = Int64(Int32.max) + 1

  init(_ kind: FactKind, day: Int64) {
    self.kind = kind
    self.day = day
  }

  init(_ fact: EncodedFact) {
    self.init(fact.kind, day: fact.day.map { Int64($0.rawValue) } ?? Self.openDay)
  }

  /// The place in words, for reports of damage.
  var text: String { day == Self.openDay ? "\(kind) without a day" : "\(kind) of day \(day)" }
}

/// A row of `fact_subject`: what facts are about, and where they are.
struct FactRecord: Equatable {
  var traceID: TraceID
  var name: String
  var address: String?
  /// The places of the facts, each with the checksum of its rows.
  var places: [(place: FactPlace, checksum: Int64)]

  static func == (left: FactRecord, right: FactRecord) -> Bool { left.encoded == right.encoded }

  func checksum(at place: FactPlace) -> Int64? { places.first { $0.place == place }?.checksum }

  var encoded: [UInt8] {
    var writer = PackedWriter()
    writer.put(UInt64(places.count))
    for (place, checksum) in places {
      writer.put(UInt64(place.kind.rawValue))
      writer.put(place.day)
      writer.put(checksum)
    }
    writer.put(traceID.high)
    writer.put(traceID.low)
    writer.put(name)
    writer.put(optional: address)
    return writer.bytes
  }

  init(traceID: TraceID, name: String, address: String?, places: [(place: FactPlace, checksum: Int64)]) {
    self.traceID = traceID
    self.name = name
    self.address = address
    self.places = places
  }

  init(encoded: [UInt8]) throws(DamagedBytes) {
    self = try encoded.read { reader throws(DamagedBytes) in try FactRecord(from: &reader) }
  }

  private init(from reader: inout PackedReader) throws(DamagedBytes) {
    places = []
    for _ in 0..<(try reader.count()) {
      guard let kind = UInt8(exactly: try reader.unsigned()).flatMap(FactKind.init) else { throw DamagedBytes() }
      let day = try reader.signed()
      places.append((FactPlace(kind, day: day), try reader.signed()))
    }
    traceID = TraceID(high: try reader.unsigned(), low: try reader.unsigned())
    name = try reader.text()
    address = try reader.optionalText()
  }
}

/// The facts of one subject at one place: each row with its length in 4 bytes in front.
enum FactRows {
  static func append(_ row: [UInt8], to bytes: inout [UInt8]) {
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: row.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes += row
  }

  static func append(_ row: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: row.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: row)
  }

  /// Calls `body` with each row.
  ///
  /// - Throws: ``DamagedBytes``, or what `body` throws.
  static func visit(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    var offset = 0
    while offset < bytes.count {
      guard bytes.count - offset >= 4 else { throw DamagedBytes() }
      let count = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
      offset += 4
      guard bytes.count - offset >= count else { throw DamagedBytes() }
      try body(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
      offset += count
    }
  }
}

/// A page of facts: groups in the order of their subjects. A group is the id of the subject in 8 bytes, the length of its
/// rows in 4 bytes, and its ``FactRows``. Most pages are stored as a ``PackedFactPage``.
struct FactPage {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  /// The size that a page should not exceed. A larger group has a page of its own.
  static let byteLimit = 64 << 10

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  mutating func next() throws(DamagedBytes) -> (subject: Int64, rows: UnsafeRawBufferPointer)? {
    guard offset < bytes.count else { return nil }
    guard bytes.count - offset >= 12 else { throw DamagedBytes() }
    let subject = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
    let count = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self)))
    offset += 12
    guard bytes.count - offset >= count else { throw DamagedBytes() }
    defer { offset += count }
    return (subject, UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
  }

  static func append(_ subject: Int64, _ rows: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
    append(subject, byteCount: rows.count, to: &bytes)
    bytes.append(contentsOf: rows)
  }

  /// Appends a group without its rows, which must follow.
  static func append(_ subject: Int64, byteCount: Int, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: subject.littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: byteCount).littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// The checksum of a stored page, packed or not.
  static func checksum(of bytes: UnsafeRawBufferPointer) -> Int64 {
    PackedFactPage.isPacked(bytes) ? Checksum.wide(of: bytes) : Checksum.of(bytes)
  }
}

/// What a step of the projection changed, for the computation of facts. A row of `fact_change`.
struct FactChangeBatch {
  /// The sequences of changed subjects, and of those that turned out to be another one.
  var subjects: [Int64] = []
  var absorbed: [Int64] = []
  /// The branches with new updates, each with the time of the earliest one.
  var branches: [(key: SubjectKey, time: Timestamp)] = []

  /// The most items of a row. Larger batches get several rows, so that a step of the computation is bounded.
  static let limit = 256

  var count: Int { subjects.count + absorbed.count + branches.count }

  mutating func removeFirst(_ count: Int) {
    let fromSubjects = min(count, subjects.count)
    subjects.removeFirst(fromSubjects)
    let fromAbsorbed = min(count - fromSubjects, absorbed.count)
    absorbed.removeFirst(fromAbsorbed)
    branches.removeFirst(min(count - fromSubjects - fromAbsorbed, branches.count))
  }

  mutating func add(_ updates: [BranchUpdate]) {
    var earliest: [SubjectKey: Timestamp] = [:]
    for update in updates {
      earliest[update.branch] = min(earliest[update.branch] ?? update.time.timestamp, update.time.timestamp)
    }
    for (key, time) in earliest { branches.append((key, time)) }
  }

  func prefix(_ count: Int) -> FactChangeBatch {
    var result = FactChangeBatch()
    result.subjects = Array(subjects.prefix(count))
    result.absorbed = Array(absorbed.prefix(count - result.subjects.count))
    result.branches = Array(branches.prefix(count - result.subjects.count - result.absorbed.count))
    return result
  }

  var encoded: [UInt8] {
    var writer = PackedWriter()
    for ids in [subjects, absorbed] {
      writer.put(UInt64(ids.count))
      var last: Int64 = 0
      for id in ids {
        writer.put(id &- last)
        last = id
      }
    }
    writer.put(UInt64(branches.count))
    for (key, time) in branches {
      writer.put(key.description)
      writer.put(time.nanoseconds)
    }
    return writer.bytes
  }

  init() {}

  init(encoded: [UInt8]) throws(DamagedBytes) {
    self = try encoded.read { reader throws(DamagedBytes) in try FactChangeBatch(from: &reader) }
  }

  private init(from reader: inout PackedReader) throws(DamagedBytes) {
    subjects = try Self.ids(&reader)
    absorbed = try Self.ids(&reader)
    for _ in 0..<(try reader.count()) {
      let key = SubjectKey(encoded: try reader.text())
      branches.append((key, Timestamp(nanoseconds: try reader.signed())))
    }
  }

  private static func ids(_ reader: inout PackedReader) throws(DamagedBytes) -> [Int64] {
    var ids: [Int64] = []
    var last: Int64 = 0
    for _ in 0..<(try reader.count()) {
      last = last &+ (try reader.signed())
      ids.append(last)
    }
    return ids
  }
}

/// The work that a ticket of ``PendingFacts`` stands for.
enum FactTicket: Equatable {
  /// All rows of `fact_change` before `batch`, and the first `items` items of `batch`; nil for all of them.
  case batches(batch: Int64, items: Int?)
  /// All subjects before this sequence.
  case subjects(before: Int64)
  /// The branches in a part of this number (see ``HandedBranches``).
  case branches(part: Int64)

  private static let subjectsBit: UInt64 = 1 << 63
  private static let branchesBit: UInt64 = 1 << 62
  private static let itemBits: UInt64 = 10
  private static let itemMask: UInt64 = 1 << itemBits - 1

  var ticket: PendingFacts.Ticket {
    switch self {
    case .batches(let batch, let items):
      PendingFacts.Ticket(
        rawValue: UInt64(clamping: batch) << Self.itemBits | (items.map { UInt64(clamping: $0) } ?? Self.itemMask))
    case .subjects(let sequence): PendingFacts.Ticket(rawValue: Self.subjectsBit | UInt64(clamping: sequence))
    case .branches(let part): PendingFacts.Ticket(rawValue: Self.branchesBit | UInt64(clamping: part))
    }
  }

  init(_ ticket: PendingFacts.Ticket) {
    let number = ticket.rawValue
    if number & Self.subjectsBit != 0 {
      self = .subjects(before: Int64(clamping: number & ~Self.subjectsBit))
    } else if number & Self.branchesBit != 0 {
      self = .branches(part: Int64(clamping: number & ~Self.branchesBit))
    } else {
      let items = number & Self.itemMask
      self = .batches(batch: Int64(clamping: number >> Self.itemBits), items: items == Self.itemMask ? nil : Int(items))
    }
  }
}
