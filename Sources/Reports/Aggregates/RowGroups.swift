import CSV

/// A row assigned to a group. A row may belong to several groups, or to none.
struct GroupedRow {
  var row: Int32
  var group: Int32
  /// True if the values of the row are kept for percentiles.
  var isSampled: Bool
}

extension ViewTotals {
  /// Counts the rows of a batch into their groups.
  ///
  /// - Parameter columns: The index of each column in the file.
  mutating func count(_ batch: RowBatch, columns: [String: Int], calendar: Calendar) {
    // Every file has all columns of the plan.
    let ranges = view.groups.map { columns[$0.column].map(batch.rows.ranges(ofColumn:)) ?? [] }
    let firstSampled = firstSampledWindow(in: calendar)
    if let list = view.groups.firstIndex(where: \.isList) {
      count(group(batch, ranges, list: list, firstSampled), of: batch)
    } else {
      count(group(batch, ranges, firstSampled), of: batch)
    }
  }

  /// Returns the group of each valid row.
  private mutating func group(
    _ batch: RowBatch, _ ranges: [[CSVRows.FieldRange]], _ firstSampled: Int32
  ) -> ContiguousArray<GroupedRow> {
    var grouped: ContiguousArray<GroupedRow> = []
    grouped.reserveCapacity(batch.rows.count)
    let (rows, windows, isValid) = (batch.rows, batch.windows, batch.isValid)
    let base = rows.base
    var key: [UInt8] = []
    var last: GroupedRow?
    for row in 0..<windows.count where isValid[row] {
      let window = windows[row]
      // Rows of the same group are usually adjacent, so comparing with the previous row saves most look-ups.
      if var same = last, windows[Int(same.row)] == window, Self.areEqual(base, ranges, Int(same.row), row) {
        same.row = Int32(row)
        grouped.append(same)
        last = same
        continue
      }
      key.removeAll(keepingCapacity: true)
      for column in ranges { GroupKey.append(rows.text(in: column[row]), to: &key) }
      let number = key.withUnsafeBufferPointer { group(window: window, key: $0) }
      let found = GroupedRow(row: Int32(row), group: Int32(number), isSampled: window >= firstSampled)
      grouped.append(found)
      last = found
    }
    return grouped
  }

  /// Returns whether two rows have the same bytes in all columns.
  @inline(__always)
  private static func areEqual(
    _ base: UnsafePointer<UInt8>, _ columns: [[CSVRows.FieldRange]], _ left: Int, _ right: Int
  ) -> Bool {
    for index in columns.indices {
      let (left, right) = (columns[index][left], columns[index][right])
      let count = Int(left.end &- left.start)
      guard count == Int(right.end &- right.start) else { return false }
      let (first, second) = (UnsafeRawPointer(base + Int(left.start)), UnsafeRawPointer(base + Int(right.start)))
      var offset = 0
      while offset < count {
        let difference =
          first.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
          ^ second.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        // Both fields are followed by bytes that can be read but do not count.
        let beyond = UInt64(truncatingIfNeeded: max(0, offset &+ 8 &- count) &* 8)
        if difference.littleEndian &<< beyond != 0 { return false }
        offset &+= 8
      }
    }
    return true
  }

  private static let separatorOfLists = UInt8(ascii: "|")

  /// Returns the groups of each valid row if one of the columns holds lists.
  private mutating func group(
    _ batch: RowBatch, _ ranges: [[CSVRows.FieldRange]], list: Int, _ firstSampled: Int32
  ) -> ContiguousArray<GroupedRow> {
    var grouped: ContiguousArray<GroupedRow> = []
    var key: [UInt8] = []
    for row in 0..<batch.rows.count where batch.isValid[row] {
      let window = batch.windows[row]
      let text = Array(batch.rows.text(in: ranges[list][row]))
      for value in Set(text.split(separator: Self.separatorOfLists, omittingEmptySubsequences: !text.isEmpty)) {
        key.removeAll(keepingCapacity: true)
        for (place, column) in ranges.enumerated() {
          if place == list {
            value.withUnsafeBufferPointer { GroupKey.append($0, to: &key) }
          } else {
            GroupKey.append(batch.rows.text(in: column[row]), to: &key)
          }
        }
        let number = key.withUnsafeBufferPointer { group(window: window, key: $0) }
        grouped.append(GroupedRow(row: Int32(row), group: Int32(number), isSampled: window >= firstSampled))
      }
    }
    return grouped
  }

  /// Returns the first window whose values are kept for percentiles.
  ///
  /// It starts up to a day before the requested time, because the time zone of a window is known only when its first
  /// row is read.
  private func firstSampledWindow(in calendar: Calendar) -> Int32 {
    guard let from = view.sampledFrom else { return .min }
    let day = Int(clamping: from / 86_400) - 1
    guard day > -1_000_000, day < 1_000_000 else { return from < 0 ? .min : .max }
    return Int32(truncatingIfNeeded: calendar.index(ofDay: day))
  }
}
