import Synchronization

/// A metric with all its series. Safe to use from several threads.
public final class MetricFamily: Sendable {
  public enum Kind: Sendable, Hashable {
    /// Only grows. Text formats append `_total` if the name lacks it.
    case counter
    case gauge
    /// Upper bounds in ascending order, without infinity.
    case histogram(bounds: [Double])
  }

  /// The values for one combination of label values.
  public struct Series: Sendable, Hashable {
    public var labels: [String]
    /// The value of a counter or gauge. For a histogram, the sum of all observations.
    public var value: Double
    /// The number of observations in each bucket, for histograms only. Not cumulative; the last bucket has no upper bound.
    public var buckets: [UInt64]
    /// The latest observation of a span by bucket, for histograms only. Sparse because of ``MetricFamily/exemplarLimit``.
    public var exemplars: [Int: Exemplar] = [:]
  }

  public let kind: Kind
  public let name: String
  public let help: String
  public let labelNames: [String]
  let isDurable: Bool
  /// The maximum number of series. Further combinations of label values count under `other`.
  public let seriesLimit: Int
  /// True if the number of series is limited, because senders determine the label values.
  public var isLimited: Bool { seriesLimit < .max }
  /// For a gauge, the values of its last label that mark ever-growing totals.
  private let totals: Set<String>
  private let bounds: [Double]
  /// The bounds of earlier versions, whose stored series have other numbers of buckets.
  private let formerBounds: [[Double]]
  private let budget: ExpositionBudget

  /// The maximum number of exemplars in a family. A new one replaces the oldest. Exemplars are not stored.
  public static let exemplarLimit = 64

  /// The maximum length of a label value in bytes of UTF-8.
  ///
  /// A longer value is truncated and ends in a hash of the whole, so that values with a common prefix stay distinct.
  public static let labelByteLimit = 256

  private struct State {
    var series: [Series] = []
    var indices: [[String]: Int] = [:]
    /// The storage number of each series.
    var numbers: [UInt64] = []
    var nextNumber: UInt64 = 0
    /// Series that changed since they were last stored.
    var changed: Set<Int> = []
    /// Keys under which an older version stored all series together. They are emptied once the series are stored individually.
    var outdatedNames: [String] = []
    var exemplars: [Bucket: Exemplar] = [:]
    var foldedCount = 0
    var hasToldFold = false
    var cutCount = 0
    /// The number of series that text formats show apart, in the order of their creation. Nil while they show all.
    var shownLimit: Int?
    var isShownLimitStored = true
    /// What the family has taken of the budget.
    var takenBytes = 0

    mutating func takeNumber() -> UInt64 {
      defer { nextNumber += 1 }
      return nextNumber
    }
  }

  /// One bucket of one series.
  private struct Bucket: Hashable {
    var series: Int
    var index: Int
  }

  private let state = Mutex(State())
  private let onFirstFold: @Sendable (MetricFamily) -> Void

  init(
    kind: Kind, name: String, help: String, labels: [String], isDurable: Bool, seriesLimit: Int, totals: Set<String>,
    formerBounds: [[Double]], budget: ExpositionBudget, onFirstFold: @escaping @Sendable (MetricFamily) -> Void
  ) {
    self.onFirstFold = onFirstFold
    self.formerBounds = formerBounds
    self.budget = budget
    self.kind = kind
    self.name = name
    self.help = help
    labelNames = labels
    self.isDurable = isDurable
    self.seriesLimit = seriesLimit
    self.totals = totals
    if case .histogram(let bounds) = kind { self.bounds = bounds } else { bounds = [] }
  }

  // MARK: Counting

  /// Adds to a counter or gauge.
  public func add(_ amount: Double = 1, labels: [String] = []) {
    change(labels) { $0.series[$1].value += amount }
  }

  /// Sets a gauge.
  public func set(_ value: Double, labels: [String] = []) {
    change(labels) { $0.series[$1].value = value }
  }

  /// Adds an observation to a histogram.
  ///
  /// - Parameter span: the attempt that was measured. It becomes the exemplar of the bucket until another replaces it.
  public func observe(_ value: Double, labels: [String] = [], of span: OutboxEntry? = nil) {
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    change(labels) { state, index in
      state.series[index].value += value
      state.series[index].buckets[bucket] += 1
      guard let span else { return }
      let place = Bucket(series: index, index: bucket)
      if state.exemplars.count >= Self.exemplarLimit, state.exemplars[place] == nil,
        let oldest = state.exemplars.min(by: { $0.value.span.time < $1.value.span.time })
      {
        state.exemplars[oldest.key] = nil
      }
      state.exemplars[place] = Exemplar(value: value, span: span)
    }
  }

  /// Creates a series with value 0 before anything happens, so that its rates start at zero.
  public func touch(labels: [String]) {
    state.withLock { state in
      let labels = shortened(labels, in: &state)
      if state.indices[labels] == nil { _ = seriesIndex(labels, in: &state) }
    }
  }

  /// Preregisters a series that may never be used, with value 0.
  ///
  /// Does nothing if the family already uses half of its limit, or all families together half of the size of text formats. That
  /// leaves the other half for series with data.
  package func preregister(labels: [String]) {
    state.withLock { state in
      let labels = shortened(labels, in: &state)
      guard state.indices[labels] == nil, state.series.count < seriesLimit / 2, state.shownLimit == nil,
        !isLimited || !budget.isHalfUsed(isHistogram: isHistogram)
      else { return }
      _ = seriesIndex(labels, in: &state)
    }
  }

  /// Replaces all series of a gauge whose values are recomputed each time. Series that are not in the list disappear.
  ///
  /// If labels occur twice, the first value wins. The caller must respect ``seriesLimit``.
  package func replaceSeries(_ values: [(labels: [String], value: Double)]) {
    state.withLock { state in
      var next = State()
      next.cutCount = state.cutCount
      next.foldedCount = state.foldedCount
      for (labels, value) in values {
        let labels = shortened(labels, in: &next)
        if next.indices[labels] == nil { next.series[append(labels, to: &next)].value = value }
      }
      state = next
    }
  }

  /// Sets all series of a gauge to 0, except for ever-growing totals.
  package func forgetSubjects() {
    state.withLock { state in
      for index in state.series.indices where !isTotal(state.series[index].labels) {
        state.series[index].value = 0
        state.changed.insert(index)
      }
    }
  }

  /// True for series of a gauge that only grow.
  package func isTotal(_ labels: [String]) -> Bool {
    labels.last.map(totals.contains) ?? false
  }

  func reset() {
    state.withLock { state in
      budget.release(state.takenBytes, isHistogram: isHistogram)
      state = State()
    }
  }

  private func change(_ labels: [String], _ body: (inout State, _ index: Int) -> Void) {
    let isFirstFold = state.withLock { state in
      let labels = shortened(labels, in: &state)
      let index = seriesIndex(labels, in: &state)
      body(&state, index)
      state.changed.insert(index)
      guard state.series[index].labels != labels || state.shownLimit.map({ index >= $0 }) ?? false else { return false }
      state.foldedCount += 1
      defer { state.hasToldFold = true }
      return !state.hasToldFold
    }
    if isFirstFold { onFirstFold(self) }
  }

  /// Truncates label values to their maximum length and counts the truncation.
  private func shortened(_ labels: [String], in state: inout State) -> [String] {
    guard labels.contains(where: { $0.utf8.count > Self.labelByteLimit }) else { return labels }
    state.cutCount += 1
    return labels.map(Self.shortened)
  }

  /// Truncates a label value to the maximum length.
  package static func shortened(_ label: String) -> String {
    guard label.utf8.count > labelByteLimit else { return label }
    let mark = "~\(Hex.text(SHA256.hash(of: label).word(at: 0)))"
    var bytes = label.utf8.prefix(labelByteLimit - mark.utf8.count)
    // Does not split a UTF-8 sequence.
    while let next = label.utf8[bytes.endIndex...].first, next & 0xC0 == 0x80 { bytes = bytes.dropLast() }
    return String(decoding: bytes, as: UTF8.self) + mark
  }

  /// Returns the index of a series, and creates the series if necessary.
  ///
  /// Beyond the limit, returns the series with `other` in every label. A gauge with totals keeps its last label there.
  private func seriesIndex(_ labels: [String], in state: inout State) -> Int {
    if let index = state.indices[labels] { return index }
    if state.series.count >= seriesLimit {
      let other = otherLabels(labels)
      if let index = state.indices[other] { return index }
      return append(other, to: &state)
    }
    return append(labels, to: &state)
  }

  /// The labels under which text formats and the limit of series fold a label set.
  private func otherLabels(_ labels: [String]) -> [String] {
    var other = labels.map { _ in "other" }
    if !totals.isEmpty, let last = labels.last { other[other.count - 1] = last }
    return other
  }

  private func append(_ labels: [String], to state: inout State, number: UInt64? = nil) -> Int {
    let index = state.series.count
    takeShare(of: labels, at: index, in: &state)
    state.indices[labels] = index
    state.series.append(Series(labels: labels, value: 0, buckets: Array(repeating: 0, count: bucketCount)))
    state.numbers.append(number ?? state.takeNumber())
    state.changed.insert(index)
    return index
  }

  private var bucketCount: Int { isHistogram ? bounds.count + 1 : 0 }

  private var isHistogram: Bool {
    if case .histogram = kind { true } else { false }
  }

  // MARK: The size of text formats

  /// Takes the share of a new series, or hides this series and all later ones behind `other` if nothing is left.
  private func takeShare(of labels: [String], at index: Int, in state: inout State) {
    guard isLimited, budget.bytes < .max else { return }
    if let limit = state.shownLimit, index >= limit { return }
    let count = textByteCount(of: labels)
    if budget.take(count, isHistogram: isHistogram, isForced: state.shownLimit != nil) {
      state.takenBytes += count
    } else {
      state.shownLimit = index
      state.isShownLimitStored = false
    }
  }

  /// The bytes of a series in a text format, at most for the usual values.
  private func textByteCount(of labels: [String]) -> Int {
    let pairs = zip(labelNames, labels).reduce(2) { sum, pair in
      let escapes = pair.1.utf8.count { $0 == 0x5C || $0 == 0x0A || $0 == 0x22 }
      return sum + pair.0.utf8.count + pair.1.utf8.count + escapes + 4
    }
    let line = name.utf8.count + pairs + Self.valueByteCount
    return isHistogram ? (bounds.count + 3) * (line + Self.bucketByteCount) : line
  }

  /// The space, the value and the line feed.
  private static let valueByteCount = 10
  /// `_bucket` and a label such as `le="2.592e+06"`.
  private static let bucketByteCount = 20

  /// The series that text formats show, sorted by labels.
  ///
  /// Those beyond the size of text formats are added up under `other`, so that sums over all series stay right.
  public var shownSeries: [Series] {
    let (all, exemplars, limit) = state.withLock { ($0.series, $0.exemplars, $0.shownLimit) }
    let count = min(limit ?? all.count, all.count)
    var shown = Array(all[..<count])
    for (bucket, exemplar) in exemplars where bucket.series < count {
      shown[bucket.series].exemplars[bucket.index] = exemplar
    }
    var others: [[String]: Int] = [:]
    if count < all.count {
      for index in shown.indices where shown[index].labels == otherLabels(shown[index].labels) {
        others[shown[index].labels] = index
      }
    }
    for hidden in all[count...] {
      let labels = otherLabels(hidden.labels)
      guard let index = others[labels] else {
        others[labels] = shown.count
        shown.append(Series(labels: labels, value: hidden.value, buckets: hidden.buckets))
        continue
      }
      shown[index].value += hidden.value
      for bucket in hidden.buckets.indices { shown[index].buckets[bucket] &+= hidden.buckets[bucket] }
    }
    return shown.sorted { $0.labels.lexicographicallyPrecedes($1.labels) }
  }

  /// The number of series that text formats add up under `other`.
  public var hiddenCount: Int { state.withLock { state in state.shownLimit.map { max(0, state.series.count - $0) } ?? 0 } }

  // MARK: Reading

  /// All series, sorted by labels.
  public var series: [Series] {
    let (series, exemplars) = state.withLock { ($0.series, $0.exemplars) }
    var result = series
    for (bucket, exemplar) in exemplars { result[bucket.series].exemplars[bucket.index] = exemplar }
    return result.sorted { $0.labels.lexicographicallyPrecedes($1.labels) }
  }

  /// Returns the value of a series. 0 if the series does not exist.
  public func value(labels: [String] = []) -> Double {
    state.withLock { state in state.indices[labels.map(Self.shortened)].map { state.series[$0].value } ?? 0 }
  }

  /// How often this process counted under `other` because the family had reached its limit of series.
  public var foldedCount: Int { state.withLock(\.foldedCount) }

  /// How often this process truncated label values.
  public var cutCount: Int { state.withLock(\.cutCount) }

  // MARK: Stored form

  /// Returns the series that changed since the last call, by storage key.
  ///
  /// Each series is one line of numbers and labels as text, separated by tabs, so that any tool can read it.
  func changedValues() -> [String: [UInt8]] {
    guard isDurable else { return [:] }
    return state.withLock { state in
      guard !state.changed.isEmpty || !state.outdatedNames.isEmpty || !state.isShownLimitStored else { return [:] }
      var result: [String: [UInt8]] = [:]
      if !state.isShownLimitStored {
        result[shownName] = Array((state.shownLimit.map { "\($0)\t\(budget.bytes)" } ?? "").utf8)
        state.isShownLimitStored = true
      }
      for name in state.outdatedNames { result[name] = [] }
      for index in state.changed {
        let series = state.series[index]
        let name = kind != .gauge || isTotal(series.labels) ? totalsName : statesName
        result["\(name)\(Self.numberMark)\(state.numbers[index])"] = Self.line(of: series)
      }
      state.changed = []
      state.outdatedNames = []
      return result
    }
  }

  private var totalsName: String { MetricRegistry.totalsPrefix + name }
  private var statesName: String { MetricRegistry.gaugePrefix + name }
  private var shownName: String { MetricRegistry.shownPrefix + name }
  /// Separates the name of a family from the number of a series in storage keys. Metric names cannot contain it.
  static let numberMark: Character = "#"

  /// Restores which series text formats show, unless their size is another one now.
  func restoreShownLimit(_ values: [String: [UInt8]]) {
    guard let bytes = values[shownName], !bytes.isEmpty else { return }
    let fields = String(decoding: bytes, as: UTF8.self).split(separator: "\t").map { Int($0) }
    state.withLock { state in
      if fields.count == 2, let limit = fields[0], limit >= 0, fields[1] == budget.bytes {
        state.shownLimit = limit
      } else {
        state.isShownLimitStored = false
      }
    }
  }

  /// The stored series in the order of their creation.
  ///
  /// - Parameter series: series that were stored individually, by storage key of the family.
  func storedSeries(
    _ series: [String: [(number: UInt64, bytes: [UInt8])]]
  ) -> [(number: UInt64, bytes: [UInt8])] {
    // Totals and other series of a gauge have different keys, but one sequence of numbers.
    let names = kind == .gauge ? [statesName, totalsName] : [totalsName]
    return names.flatMap { series[$0, default: []] }.sorted { $0.number < $1.number }
  }

  /// Restores a series that was stored individually.
  func restore(_ stored: (number: UInt64, bytes: [UInt8])) { restore(stored.bytes[...], number: stored.number) }

  /// Restores what an older version stored: all series of a family together.
  func restoreOutdated(_ values: [String: [UInt8]]) {
    let states = kind == .gauge ? values[statesName] ?? [] : []
    // Older versions stored gauges under this key.
    let totals = kind != .gauge || !self.totals.isEmpty || values[statesName] == nil ? values[totalsName] ?? [] : []
    for (name, bytes) in [(statesName, states), (totalsName, totals)] where !bytes.isEmpty {
      // Splits bytes, not characters: Swift treats a carriage return at the end of a label and the following line feed
      // as one Character.
      for line in bytes.split(separator: UInt8(ascii: "\n")) { restore(line, number: nil) }
      state.withLock { $0.outdatedNames.append(name) }
    }
  }

  /// Tells once that series are folded.
  func tellHidden() {
    guard hiddenCount > 0 else { return }
    onFirstFold(self)
    state.withLock { $0.hasToldFold = true }
  }

  private static func line(of series: Series) -> [UInt8] {
    let tab = UInt8(ascii: "\t")
    var bytes = Array("\(series.value)".utf8)
    bytes.reserveCapacity(bytes.count + series.buckets.count * 4 + series.labels.reduce(0) { $0 + $1.utf8.count + 1 })
    for count in series.buckets {
      bytes.append(tab)
      // Fast path: most buckets of most series have few observations.
      if count < 10 { bytes.append(UInt8(ascii: "0") + UInt8(count)) } else { bytes += String(count).utf8 }
    }
    for label in series.labels {
      bytes.append(tab)
      bytes += escape(label).utf8
    }
    return bytes
  }

  /// - Parameter number: the storage number of the series. Nil for a series that is not stored individually yet.
  private func restore(_ line: ArraySlice<UInt8>, number: UInt64?) {
    if let number { state.withLock { $0.nextNumber = max($0.nextNumber, number &+ 1) } }
    let fields = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
      .map { Substring(decoding: $0, as: UTF8.self) }
    guard fields.count > labelNames.count, let value = Double(fields[0]) else { return }
    let counts = fields[1..<fields.count - labelNames.count].compactMap { UInt64($0) }
    guard counts.count + 1 + labelNames.count == fields.count, let buckets = buckets(of: counts) else { return }
    let labels = fields.suffix(labelNames.count).map(Self.unescape).map(Self.shortened)
    state.withLock { state in
      let known = state.indices[labels]
      if known != nil, number == nil { return }
      let index = known ?? append(labels, to: &state, number: number)
      state.series[index].value = value
      state.series[index].buckets = buckets
      guard let number else { return }
      state.numbers[index] = number
      // A series with the buckets of an earlier version is stored again with those of today.
      if counts.count == bucketCount { state.changed.remove(index) }
    }
  }

  /// Returns stored counts by the buckets of today; nil if they are of no known version.
  ///
  /// A count of a former bucket goes to the bucket with the same upper bound, so that all former bounds keep their values.
  private func buckets(of counts: [UInt64]) -> [UInt64]? {
    if counts.count == bucketCount { return counts }
    guard isHistogram, let former = formerBounds.first(where: { $0.count + 1 == counts.count }) else { return nil }
    var buckets = [UInt64](repeating: 0, count: bucketCount)
    for (index, count) in counts.enumerated() {
      let place = index < former.count ? bounds.firstIndex { $0 >= former[index] } ?? bounds.count : bounds.count
      buckets[place] &+= count
    }
    return buckets
  }

  /// Percent-encodes tabs, line feeds, other control characters and `%`.
  package static func escape(_ label: String) -> String {
    guard label.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "%") }) else { return label }
    let bytes = label.utf8.flatMap { byte -> [UInt8] in
      byte < 0x20 || byte == UInt8(ascii: "%") ? Array("%\(Hex.text(of: CollectionOfOne(byte)))".utf8) : [byte]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Reverses ``escape(_:)``.
  package static func unescape(_ field: Substring) -> String {
    PercentEncoding.decode(field) ?? String(field)
  }
}
