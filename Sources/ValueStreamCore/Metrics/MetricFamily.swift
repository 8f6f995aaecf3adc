import Synchronization

/// A metric with all its series.
public final class MetricFamily: Sendable {
  public enum Kind: Sendable, Hashable {
    /// Only grows. Text formats add `_total` where the name lacks it.
    case counter
    case gauge
    /// Upper bounds in rising order, without the infinite one.
    case histogram(bounds: [Double])
  }

  /// The values of one set of label values.
  public struct Series: Sendable, Hashable {
    public var labels: [String]
    /// Counter and gauge: the value. Histogram: the sum.
    public var value: Double
    /// Histogram only: how many observations are at or below each bound and above the one before; the last beyond all.
    public var buckets: [UInt64]
    /// Histogram only, by bucket: the last observation of a span. Few buckets have one, see ``MetricFamily/exemplarLimit``.
    public var exemplars: [Int: Exemplar] = [:]
  }

  public let kind: Kind
  public let name: String
  public let help: String
  public let labelNames: [String]
  let isDurable: Bool
  private let seriesLimit: Int
  /// Of a gauge the values of the last label under which things are counted for good.
  private let totals: Set<String>
  private let bounds: [Double]

  /// More exemplars than this are not kept of a family: the oldest goes for a new one. Those that are kept do not outlast the process.
  public static let exemplarLimit = 64

  private struct State {
    var series: [Series] = []
    var indices: [[String]: Int] = [:]
    /// The stored form of each series; nil where it changed since it was made.
    var lines: [[UInt8]?] = []
    var isChanged = false
    var exemplars: [Bucket: Exemplar] = [:]

    mutating func markChanged(_ index: Int) {
      lines[index] = nil
      isChanged = true
    }
  }

  /// One bucket of one series.
  private struct Bucket: Hashable {
    var series: Int
    var index: Int
  }

  private let state = Mutex(State())

  init(kind: Kind, name: String, help: String, labels: [String], isDurable: Bool, seriesLimit: Int, totals: Set<String>) {
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
  /// - Parameter span: what was observed; shown as an exemplar of the bucket until another takes its place.
  public func observe(_ value: Double, labels: [String] = [], of span: Announcement? = nil) {
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

  /// Makes a series exist before anything happened, so that rates over it start at zero.
  public func touch(labels: [String]) {
    state.withLock { state in
      if state.indices[labels] == nil { _ = seriesIndex(labels, in: &state) }
    }
  }

  /// Makes a series that may never count anything begin at zero, unless half of the series that may be are there: the rest is for what
  /// does count.
  package func foresee(labels: [String]) {
    state.withLock { state in
      if state.indices[labels] == nil, state.series.count < seriesLimit / 2 { _ = seriesIndex(labels, in: &state) }
    }
  }

  /// Sets a gauge whose series are worked out anew each time: those that are not named are gone. Of two with the same labels the
  /// first counts. The limit of series is the caller's to keep.
  package func replaceSeries(_ values: [(labels: [String], value: Double)]) {
    var next = State()
    for (labels, value) in values where next.indices[labels] == nil { next.series[append(labels, to: &next)].value = value }
    state.withLock { [next] in $0 = next }
  }

  /// Sets a gauge to nothing, apart from what it counts for good.
  package func forgetThings() {
    state.withLock { state in
      for index in state.series.indices where !isTotal(state.series[index].labels) {
        state.series[index].value = 0
        state.markChanged(index)
      }
    }
  }

  /// True for a series of a gauge that only grows.
  package func isTotal(_ labels: [String]) -> Bool {
    labels.last.map(totals.contains) ?? false
  }

  func reset() {
    state.withLock { $0 = State() }
  }

  private func change(_ labels: [String], _ body: (inout State, _ index: Int) -> Void) {
    state.withLock { state in
      let index = seriesIndex(labels, in: &state)
      body(&state, index)
      state.markChanged(index)
    }
  }

  /// Past the limit a new set of labels is counted as `other` in every label, but for the one that tells totals from others.
  private func seriesIndex(_ labels: [String], in state: inout State) -> Int {
    if let index = state.indices[labels] { return index }
    if state.series.count >= seriesLimit {
      var other = labels.map { _ in "other" }
      if !totals.isEmpty, let last = labels.last { other[other.count - 1] = last }
      if let index = state.indices[other] { return index }
      return append(other, to: &state)
    }
    return append(labels, to: &state)
  }

  private func append(_ labels: [String], to state: inout State) -> Int {
    let index = state.series.count
    state.indices[labels] = index
    state.series.append(Series(labels: labels, value: 0, buckets: Array(repeating: 0, count: bucketCount)))
    state.lines.append(nil)
    state.isChanged = true
    return index
  }

  private var bucketCount: Int {
    if case .histogram = kind { bounds.count + 1 } else { 0 }
  }

  // MARK: Reading

  /// All series, in order of labels.
  public var series: [Series] {
    let (series, exemplars) = state.withLock { ($0.series, $0.exemplars) }
    var result = series
    for (bucket, exemplar) in exemplars { result[bucket.series].exemplars[bucket.index] = exemplar }
    return result.sorted { $0.labels.lexicographicallyPrecedes($1.labels) }
  }

  /// The value of a series; 0 where there is none.
  public func value(labels: [String] = []) -> Double {
    state.withLock { state in state.indices[labels].map { state.series[$0].value } ?? 0 }
  }

  // MARK: Stored form

  /// What changed since the last call, by the name it is stored under: numbers as text, one series a line, fields separated by tabs: few, and
  /// readable with any tool.
  func changedValues() -> [String: [UInt8]] {
    guard isDurable else { return [:] }
    return state.withLock { state in
      guard state.isChanged else { return [:] }
      state.isChanged = false
      var result: [String: [UInt8]] = [:]
      for index in state.series.indices {
        let line = state.lines[index] ?? Self.line(of: state.series[index])
        state.lines[index] = line
        let name = kind != .gauge || isTotal(state.series[index].labels) ? totalsName : statesName
        if result[name]?.append(UInt8(ascii: "\n")) == nil { result[name] = [] }
        result[name]? += line
      }
      return result
    }
  }

  private var totalsName: String { MetricRegistry.totalsPrefix + name }
  private var statesName: String { MetricRegistry.gaugePrefix + name }

  /// Takes over what was stored.
  func restore(_ values: [String: [UInt8]]) {
    if kind == .gauge, let states = values[statesName] { restore(states) }
    // Gauges stood under this name once.
    if kind != .gauge || !totals.isEmpty || values[statesName] == nil, let totals = values[totalsName] { restore(totals) }
  }

  private static func line(of series: Series) -> [UInt8] {
    let fields = ["\(series.value)"] + series.buckets.map(String.init) + series.labels.map(escape)
    return Array(fields.joined(separator: "\t").utf8)
  }

  private func restore(_ bytes: [UInt8]) {
    // By bytes: a carriage return at the end of a label and the line feed after it are one Character to Swift.
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
        .map { Substring(decoding: $0, as: UTF8.self) }
      guard fields.count == 1 + bucketCount + labelNames.count, let value = Double(fields[0]) else { continue }
      let buckets = fields[1..<1 + bucketCount].compactMap { UInt64($0) }
      guard buckets.count == bucketCount else { continue }
      let labels = fields[(1 + bucketCount)...].map(Self.unescape)
      state.withLock { state in
        let index = state.indices[labels] ?? append(labels, to: &state)
        state.series[index].value = value
        state.series[index].buckets = buckets
        state.lines[index] = nil
      }
    }
  }

  private static func escape(_ label: String) -> String {
    guard label.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "%") }) else { return label }
    let bytes = label.utf8.flatMap { byte -> [UInt8] in
      byte < 0x20 || byte == UInt8(ascii: "%") ? Array("%\(Hex.text(of: CollectionOfOne(byte)))".utf8) : [byte]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func unescape(_ field: Substring) -> String {
    PercentEncoding.decode(field) ?? String(field)
  }
}
