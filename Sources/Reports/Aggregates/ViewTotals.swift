/// The totals of one view, counted by one thread.
struct ViewTotals {
  /// The earliest row of a group. Its time zone decides when the window starts.
  struct Earliest: Comparable {
    /// The creation time, in seconds since 1970.
    var created: Int64
    /// The offset of its time zone from UTC, in seconds; positive east of Greenwich.
    var offset: Int64

    static func < (left: Earliest, right: Earliest) -> Bool {
      left.created < right.created || left.created == right.created && left.offset < right.offset
    }
  }

  let view: View
  let measures: [Measure]
  let conditions: [Condition]
  /// The index of each measure among those whose values are kept for percentiles; nil if they are not kept.
  private let sampledIndex: [Int?]
  private let sampledCount: Int

  private(set) var table = GroupTable()
  private(set) var rows: [Int] = []
  private(set) var earliest: [Earliest] = []
  /// The sums, one for each measure of each group. ``present`` and ``undefined`` have the same layout.
  private(set) var sums: [ExactSum] = []
  private(set) var present: [Int] = []
  /// The number of rows with an undefined value. They are left out even where an empty field counts as 0.
  private(set) var undefined: [Int] = []
  /// The number of rows that meet a condition, one for each condition of each group.
  private(set) var met: [Int] = []
  private var lists: [SampleArena.List] = []
  private var samples = SampleArena()

  init(_ view: View) {
    self.view = view
    measures = view.measures
    conditions = view.conditions
    let sampled = view.sampled
    sampledIndex = measures.map { sampled.firstIndex(of: $0) }
    sampledCount = sampled.count
  }

  /// Returns the number of a group, and adds the group if it is new.
  mutating func group(window: Int32, key: UnsafeBufferPointer<UInt8>) -> Int {
    let group = table.group(window: window, key: key)
    if group == rows.count {
      rows.append(0)
      earliest.append(Earliest(created: .max, offset: 0))
      sums.append(contentsOf: repeatElement(ExactSum(), count: measures.count))
      present.append(contentsOf: repeatElement(0, count: measures.count))
      undefined.append(contentsOf: repeatElement(0, count: measures.count))
      met.append(contentsOf: repeatElement(0, count: conditions.count))
      lists.append(contentsOf: repeatElement(SampleArena.List(), count: sampledCount))
    }
    return group
  }

  /// Counts rows into their groups.
  mutating func count(_ grouped: ContiguousArray<GroupedRow>, of batch: RowBatch) {
    countRows(grouped, created: batch.created)
    for (index, measure) in measures.enumerated() {
      add(batch.values(of: measure), measure: index, grouped)
      let rows = batch.undefinedRows(of: measure)
      if rows.isEmpty { continue }
      for entry in grouped where rows.contains(entry.row) { undefined[Int(entry.group) * measures.count + index] += 1 }
    }
    for (index, condition) in conditions.enumerated() { add(batch.flags(of: condition), condition: index, grouped) }
    for (index, sampled) in sampledIndex.enumerated() {
      guard let sampled else { continue }
      let values = batch.values(of: measures[index])
      for entry in grouped where entry.isSampled && !values[Int(entry.row)].isNaN {
        samples.append(values[Int(entry.row)], to: &lists[Int(entry.group) * sampledCount + sampled])
      }
    }
  }

  private mutating func countRows(_ grouped: ContiguousArray<GroupedRow>, created: [Earliest]) {
    rows.withUnsafeMutableBufferPointer { rows in
      earliest.withUnsafeMutableBufferPointer { earliest in
        for entry in grouped {
          rows[Int(entry.group)] += 1
          if created[Int(entry.row)] < earliest[Int(entry.group)] { earliest[Int(entry.group)] = created[Int(entry.row)] }
        }
      }
    }
  }

  private mutating func add(_ values: [Double], measure: Int, _ grouped: ContiguousArray<GroupedRow>) {
    let stride = measures.count
    sums.withUnsafeMutableBufferPointer { sums in
      present.withUnsafeMutableBufferPointer { present in
        values.withUnsafeBufferPointer { values in
          grouped.withUnsafeBufferPointer { grouped in
            var index = 0
            while index < grouped.count {
              // Rows of one group are usually adjacent. They are added up apart, then added to the group.
              let group = grouped[index].group
              let place = Int(group) * stride + measure
              var near = ExactSum.Near()
              var count = 0
              let end = min(index + ExactSum.Near.greatestCount, grouped.count)
              while index < end, grouped[index].group == group {
                let value = values[Int(grouped[index].row)]
                index &+= 1
                if value.isNaN { continue }
                count &+= 1
                if !near.add(value) { sums[place].add(value) }
              }
              sums[place].add(near)
              present[place] += count
            }
          }
        }
      }
    }
  }

  private mutating func add(_ flags: [Bool], condition: Int, _ grouped: ContiguousArray<GroupedRow>) {
    let stride = conditions.count
    met.withUnsafeMutableBufferPointer { met in
      for entry in grouped where flags[Int(entry.row)] { met[Int(entry.group) * stride + condition] += 1 }
    }
  }

  /// Appends the values of a group's measure, if they are kept.
  func collect(_ measure: Measure, of group: Int, into values: inout [Double]) {
    guard let index = measures.firstIndex(of: measure), let sampled = sampledIndex[index] else { return }
    samples.collect(lists[group * sampledCount + sampled], into: &values)
  }
}
