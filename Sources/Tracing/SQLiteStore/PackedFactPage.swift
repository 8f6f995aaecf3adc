import ValueStreamCore

/// A page of facts stored by member instead of by row, so that reports read few bytes.
///
/// A page has two parts. The first has the members that reports read, the second all others (see ``FactLayout``). Each member
/// is a list of differences to its least value, in as few bytes as the greatest one needs. Times count in seconds,
/// milliseconds or microseconds if that loses nothing, as it does for most vendors.
///
/// The first part begins with ``mark``, which no ``FactPage`` can begin with, then the number of rows and of groups in 4 bytes
/// each, then these lists: the subjects of the groups, the number of rows of each group, and the members. The second part begins
/// with the checksums of its lists and of the first part. Eight zeros at the end of both let a reader load eight bytes anywhere.
struct PackedFactPage {
  private let bytes: UnsafeRawBufferPointer
  private let layout: FactLayout
  let rowCount: Int
  private let groupCount: Int

  /// Twelve bytes. In a ``FactPage``, the last four are the length of the rows of a subject, which is never that great.
  private static let mark: (UInt64, UInt32) = (0x3161_6465_6b63_6170, .max)
  private static let headerCount = 20
  private static let restHeaderCount = 16
  /// Pages with fewer rows stay as they are.
  private static let leastRows = 16
  /// So few rows that they stay in the cache of a processor while their members are unpacked one after the other.
  private static let rowsAtOnce = 128
  /// More rows than any page has. Columns of equal values take no room, so their length is no bound.
  private static let mostRows = 1 << 24

  static func isPacked(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= headerCount && bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self) == mark.1.littleEndian
      && bytes.loadUnaligned(as: UInt64.self) == mark.0.littleEndian
  }

  /// - Parameter bytes: the first part of a page for which ``isPacked(_:)`` is true.
  init(_ bytes: UnsafeRawBufferPointer, _ kind: FactKind) throws(DamagedBytes) {
    guard let layout = FactLayout.of(kind), bytes.count >= Self.headerCount else { throw DamagedBytes() }
    self.bytes = bytes
    self.layout = layout
    rowCount = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self)))
    groupCount = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
    guard rowCount <= Self.mostRows, groupCount <= rowCount else { throw DamagedBytes() }
  }

  // MARK: Reading

  /// Calls `visit` with each row, in which only the members that reports read are defined.
  ///
  /// - Parameter overridden: the subjects whose rows are left out, in ascending order.
  func visitRows(except overridden: [Int64], _ visit: (UnsafeRawBufferPointer) throws -> Void) throws {
    let (count, width) = (rowCount, layout.byteCount)
    let rows = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.rowsAtOnce * width, alignment: 8)
    defer { rows.deallocate() }
    rows.initializeMemory(as: UInt8.self, repeating: 0)
    var offset = Self.headerCount
    let groups = try groups(&offset)
    var members: [(numbers: PackedNumbers, member: FactLayout.Member)] = []
    for member in layout.ofReports { members.append((try PackedNumbers(bytes, &offset, count: count), member)) }
    var unpacked = 0..<0
    var first = 0
    var rest = overridden[...]
    for group in groups {
      let end = first + group.rowCount
      guard end <= count else { throw DamagedBytes() }
      while let subject = rest.first, subject < group.subject { rest.removeFirst() }
      if rest.first != group.subject {
        for row in first..<end {
          if !unpacked.contains(row) {
            unpacked = row..<min(count, row + Self.rowsAtOnce)
            for (numbers, member) in members {
              try numbers.unpack(unpacked, to: rows, at: member.offset, width: member.width, stride: width)
            }
          }
          let place = (row - unpacked.lowerBound) * width
          try visit(UnsafeRawBufferPointer(rebasing: rows[place..<place + width]))
        }
      }
      first = end
    }
  }

  private func groups(_ offset: inout Int) throws(DamagedBytes) -> [(subject: Int64, rowCount: Int)] {
    let subjects = try PackedNumbers(bytes, &offset, count: groupCount)
    let rowCounts = try PackedNumbers(bytes, &offset, count: groupCount)
    var groups: [(subject: Int64, rowCount: Int)] = []
    groups.reserveCapacity(groupCount)
    for index in 0..<groupCount {
      guard let count = Int(exactly: rowCounts[index]), count >= 0, count <= rowCount else { throw DamagedBytes() }
      groups.append((subjects[index], count))
    }
    return groups
  }

  /// Returns the bytes of the ``FactPage`` from which the page was made.
  ///
  /// - Throws: ``DamagedBytes`` if the second part is damaged or does not belong to the first.
  func unpacked(_ rest: UnsafeRawBufferPointer) throws(DamagedBytes) -> [UInt8] {
    guard rest.count >= Self.restHeaderCount else { throw DamagedBytes() }
    let lists = UnsafeRawBufferPointer(rebasing: rest[Self.restHeaderCount...])
    let checksum = Int64(littleEndian: rest.loadUnaligned(as: Int64.self))
    let ofFirst = Int64(littleEndian: rest.loadUnaligned(fromByteOffset: 8, as: Int64.self))
    guard checksum == Checksum.wide(of: lists), ofFirst == Checksum.wide(of: bytes) else { throw DamagedBytes() }
    let (count, width) = (rowCount, layout.byteCount)
    let rows = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count * width), alignment: 8)
    defer { rows.deallocate() }
    var offset = Self.headerCount
    let groups = try groups(&offset)
    for member in layout.ofReports {
      let numbers = try PackedNumbers(bytes, &offset, count: count)
      try numbers.unpack(0..<count, to: rows, at: member.offset, width: member.width, stride: width)
    }
    offset = 0
    for member in layout.others {
      let numbers = try PackedNumbers(lists, &offset, count: count)
      try numbers.unpack(0..<count, to: rows, at: member.offset, width: member.width, stride: width)
    }
    var page: [UInt8] = []
    page.reserveCapacity(groups.count * 12 + count * (width + 4))
    var first = 0
    for group in groups {
      guard first + group.rowCount <= count else { throw DamagedBytes() }
      FactPage.append(group.subject, byteCount: group.rowCount * (width + 4), to: &page)
      for row in first..<first + group.rowCount {
        FactRows.append(UnsafeRawBufferPointer(rebasing: rows[row * width..<(row + 1) * width]), to: &page)
      }
      first += group.rowCount
    }
    return page
  }

  // MARK: Packing

  /// Returns both parts of a page. Nil for a page that stays as it is: of a kind without a layout, with few rows, or with rows
  /// of another length.
  ///
  /// - Parameter page: readable bytes of a ``FactPage``.
  static func pack(_ page: [UInt8], _ kind: FactKind) throws -> (first: [UInt8], rest: [UInt8])? {
    guard let layout = FactLayout.of(kind) else { return nil }
    var (subjects, rowCounts): ([Int64], [Int64]) = ([], [])
    var rows: [UInt8] = []
    rows.reserveCapacity(page.count)
    var isUniform = true
    try page.withUnsafeBytes { bytes in
      var groups = FactPage(bytes)
      while let group = try groups.next() {
        var count: Int64 = 0
        try FactRows.visit(group.rows) { row in
          if row.count != layout.byteCount { isUniform = false }
          rows.append(contentsOf: row)
          count += 1
        }
        subjects.append(group.subject)
        rowCounts.append(count)
      }
    }
    let count = rows.count / layout.byteCount
    guard isUniform, count >= leastRows, count <= mostRows else { return nil }
    var first: [UInt8] = []
    withUnsafeBytes(of: mark.0.littleEndian) { first.append(contentsOf: $0) }
    for number in [mark.1, UInt32(count), UInt32(subjects.count)] {
      withUnsafeBytes(of: number.littleEndian) { first.append(contentsOf: $0) }
    }
    PackedNumbers.append(subjects, to: &first)
    PackedNumbers.append(rowCounts, to: &first)
    var others: [UInt8] = []
    rows.withUnsafeBytes { rows in
      for member in layout.ofReports { PackedNumbers.append(values(of: member, rows, layout, count), to: &first) }
      for member in layout.others { PackedNumbers.append(values(of: member, rows, layout, count), to: &others) }
    }
    first.append(contentsOf: repeatElement(0, count: 8))
    others.append(contentsOf: repeatElement(0, count: 8))
    var rest: [UInt8] = []
    rest.reserveCapacity(restHeaderCount + others.count)
    for checksum in [others.withUnsafeBytes { Checksum.wide(of: $0) }, first.withUnsafeBytes { Checksum.wide(of: $0) }] {
      withUnsafeBytes(of: checksum.littleEndian) { rest.append(contentsOf: $0) }
    }
    return (first, rest + others)
  }

  private static func values(
    of member: FactLayout.Member, _ rows: UnsafeRawBufferPointer, _ layout: FactLayout, _ count: Int
  ) -> [Int64] {
    (0..<count).map { row in
      let offset = row * layout.byteCount + member.offset
      return switch member.width {
      case 1: Int64(rows[offset])
      case 2: Int64(UInt16(littleEndian: rows.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
      case 4: Int64(UInt32(littleEndian: rows.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
      default: Int64(littleEndian: rows.loadUnaligned(fromByteOffset: offset, as: Int64.self))
      }
    }
  }
}

/// A list of numbers, each as its difference to the least one in as many bytes as the greatest difference needs.
///
/// In front of them are the number of these bytes, what to multiply by (see `units`), and the least number in 8 bytes. -1
/// stands for an unknown time: among other numbers it does not count as the least one and is stored as 0, the others as their
/// difference plus 1.
private struct PackedNumbers {
  private let numbers: UnsafeRawPointer
  private let width: Int
  private let mask: UInt64
  private let unit: UInt64
  private let least: UInt64
  private let hasUnknown: Bool

  private static let units: [UInt64] = [1, 1000, 1_000_000, 1_000_000_000]
  private static let unknownBit: UInt8 = 1 << 7
  private static let headerCount = 10

  /// Reads the list at an offset, which becomes that of the next one.
  ///
  /// - Parameter bytes: eight more than the lists have.
  init(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int, count: Int) throws(DamagedBytes) {
    guard bytes.count - offset >= Self.headerCount, let start = bytes.baseAddress else { throw DamagedBytes() }
    let (width, form) = (Int(bytes[offset]), bytes[offset + 1])
    let unit = Int(form & ~Self.unknownBit)
    let end = offset + Self.headerCount + count * width
    guard width <= 8, unit < Self.units.count, end + 8 <= bytes.count else { throw DamagedBytes() }
    self.width = width
    self.unit = Self.units[unit]
    hasUnknown = form & Self.unknownBit != 0
    mask = width == 0 ? 0 : UInt64.max >> UInt64(64 - 8 * width)
    least = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 2, as: UInt64.self))
    numbers = start + offset + Self.headerCount
    offset = end
  }

  @inline(__always)
  private func difference(_ index: Int) -> UInt64 {
    UInt64(littleEndian: numbers.loadUnaligned(fromByteOffset: index &* width, as: UInt64.self)) & mask
  }

  subscript(index: Int) -> Int64 {
    let difference = difference(index)
    if !hasUnknown { return Int64(bitPattern: least &+ difference &* unit) }
    return difference == 0 ? -1 : Int64(bitPattern: least &+ (difference &- 1) &* unit)
  }

  /// Writes the numbers at some places to a member of consecutive rows.
  ///
  /// - Parameter rows: room for as many rows.
  func unpack(
    _ places: Range<Int>, to rows: UnsafeMutableRawBufferPointer, at offset: Int, width: Int, stride: Int
  ) throws(DamagedBytes) {
    switch width {
    case 1: unpack(places, to: rows, offset, stride) { UInt8(truncatingIfNeeded: $0) }
    case 2: unpack(places, to: rows, offset, stride) { UInt16(truncatingIfNeeded: $0).littleEndian }
    case 4: unpack(places, to: rows, offset, stride) { UInt32(truncatingIfNeeded: $0).littleEndian }
    case 8: unpack(places, to: rows, offset, stride) { $0.littleEndian }
    default: throw DamagedBytes()
    }
  }

  @inline(__always)
  private func unpack<Number: BitwiseCopyable>(
    _ places: Range<Int>, to rows: UnsafeMutableRawBufferPointer, _ offset: Int, _ stride: Int, _ number: (UInt64) -> Number
  ) {
    guard let start = rows.baseAddress else { return }
    var target = start + offset
    if hasUnknown {
      for index in places {
        let difference = difference(index)
        let value = difference == 0 ? UInt64.max : least &+ (difference &- 1) &* unit
        target.storeBytes(of: number(value), as: Number.self)
        target += stride
      }
    } else {
      for index in places {
        target.storeBytes(of: number(least &+ difference(index) &* unit), as: Number.self)
        target += stride
      }
    }
  }

  static func append(_ values: [Int64], to bytes: inout [UInt8]) {
    var known = values
    let isMixed = values.contains(-1) && values.contains { $0 != -1 }
    if isMixed { known.removeAll { $0 == -1 } }
    var (least, greatest) = (known.min() ?? 0, known.max() ?? 0)
    // Differences must have room for one more number.
    let hasUnknown = isMixed && greatest.subtractingReportingOverflow(least).overflow == false
    if isMixed, !hasUnknown { (least, greatest) = (min(least, -1), max(greatest, -1)) }
    func difference(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) &- UInt64(bitPattern: least) }
    let isLarge = difference(greatest) > UInt64(UInt16.max)
    let form = isLarge ? units.indices.last { unit in known.allSatisfy { difference($0) % units[unit] == 0 } } ?? 0 : 0
    let unit = hasUnknown || !isMixed ? form : 0
    func number(_ value: Int64) -> UInt64 {
      if hasUnknown { return value == -1 ? 0 : difference(value) / units[unit] + 1 }
      return difference(value) / units[unit]
    }
    let width = (64 - number(greatest).leadingZeroBitCount + 7) / 8
    bytes.append(UInt8(width))
    bytes.append(UInt8(unit) | (hasUnknown ? unknownBit : 0))
    withUnsafeBytes(of: least.littleEndian) { bytes.append(contentsOf: $0) }
    for value in values { withUnsafeBytes(of: number(value).littleEndian) { bytes.append(contentsOf: $0.prefix(width)) } }
  }
}

extension Checksum {
  /// A checksum for the parts of a ``PackedFactPage``: four sums of every fourth word, which a processor computes at once.
  static func wide(of bytes: UnsafeRawBufferPointer) -> Int64 {
    var sums = InlineArray<4, UInt64>(repeating: UInt64(bytes.count) | 1)
    let prime: UInt64 = 0x9e37_79b9_7f4a_7c15
    var offset = 0
    while offset + 32 <= bytes.count {
      for lane in 0..<4 {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + lane * 8, as: UInt64.self))
        var sum = (sums[lane] ^ word) &* prime
        sum ^= sum >> 32
        sums[lane] = sum
      }
      offset += 32
    }
    for byte in bytes[offset...] {
      sums[0] = (sums[0] ^ UInt64(byte)) &* prime
      sums[0] ^= sums[0] >> 32
    }
    return Checksum.of((0..<4).map { Int64(bitPattern: sums[$0]) })
  }
}
