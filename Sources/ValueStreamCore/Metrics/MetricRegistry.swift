import Synchronization

/// Counters, gauges and histograms with labels, apart from any format they are shown in.
public final class MetricRegistry: Sendable {
  private let families = Mutex<[MetricFamily]>([])

  public init() {}

  /// A new family; each name once.
  ///
  /// - Parameters:
  ///   - labels: names of the labels; values are given in this order.
  ///   - isDurable: true for what is kept in the store and goes on after a restart.
  public func family(
    _ kind: MetricFamily.Kind, _ name: String, help: String, labels: [String] = [], isDurable: Bool = false,
    seriesLimit: Int = .max
  ) -> MetricFamily {
    let family = MetricFamily(
      kind: kind, name: name, help: help, labels: labels, isDurable: isDurable, seriesLimit: seriesLimit)
    families.withLock { $0.append(family) }
    return family
  }

  /// All families in order of registration.
  public var all: [MetricFamily] { families.withLock { $0 } }

  /// Durable families that changed since the last call, encoded, by the name they are stored under.
  public func changedValues() -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    for family in all {
      if let bytes = family.encodedIfChanged() { result[Self.storedName(of: family)] = bytes }
    }
    return result
  }

  /// Takes over what was stored; unknown names are left alone.
  public func restore(_ values: [String: [UInt8]]) {
    for family in all {
      if let bytes = values[Self.storedName(of: family)] { family.restore(bytes) }
    }
  }

  /// Back to nothing, for the mock tracer's reset.
  public func reset() {
    for family in all { family.reset() }
  }

  private static func storedName(of family: MetricFamily) -> String { "metric:\(family.name)" }
}

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
  }

  public let kind: Kind
  public let name: String
  public let help: String
  public let labelNames: [String]
  let isDurable: Bool
  private let seriesLimit: Int
  private let bounds: [Double]

  private struct State {
    var series: [Series] = []
    var indices: [[String]: Int] = [:]
    var isChanged = false
  }
  private let state = Mutex(State())

  init(kind: Kind, name: String, help: String, labels: [String], isDurable: Bool, seriesLimit: Int) {
    self.kind = kind
    self.name = name
    self.help = help
    labelNames = labels
    self.isDurable = isDurable
    self.seriesLimit = seriesLimit
    if case .histogram(let bounds) = kind { self.bounds = bounds } else { bounds = [] }
  }

  /// Adds to a counter or gauge.
  public func add(_ amount: Double = 1, labels: [String] = []) {
    change(labels) { $0.value += amount }
  }

  /// Sets a gauge.
  public func set(_ value: Double, labels: [String] = []) {
    change(labels) { $0.value = value }
  }

  /// Adds an observation to a histogram.
  public func observe(_ value: Double, labels: [String] = []) {
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    change(labels) { series in
      series.value += value
      series.buckets[bucket] += 1
    }
  }

  /// Makes a series exist before anything happened, so that rates over it start at zero.
  public func touch(labels: [String]) {
    change(labels) { _ in }
  }

  /// All series, in order of labels.
  public var series: [Series] {
    state.withLock { $0.series }.sorted { $0.labels.lexicographicallyPrecedes($1.labels) }
  }

  /// The value of a series; 0 where there is none.
  public func value(labels: [String] = []) -> Double {
    state.withLock { state in state.indices[labels].map { state.series[$0].value } ?? 0 }
  }

  private func change(_ labels: [String], _ body: (inout Series) -> Void) {
    state.withLock { state in
      let index = seriesIndex(labels, in: &state)
      body(&state.series[index])
      state.isChanged = true
    }
  }

  /// Past the limit a new set of labels is counted as `other` in every label.
  private func seriesIndex(_ labels: [String], in state: inout State) -> Int {
    if let index = state.indices[labels] { return index }
    if state.series.count >= seriesLimit {
      let other = labels.map { _ in "other" }
      if let index = state.indices[other] { return index }
      return append(other, to: &state)
    }
    return append(labels, to: &state)
  }

  private func append(_ labels: [String], to state: inout State) -> Int {
    let bucketCount = if case .histogram = kind { bounds.count + 1 } else { 0 }
    state.indices[labels] = state.series.count
    state.series.append(Series(labels: labels, value: 0, buckets: Array(repeating: 0, count: bucketCount)))
    return state.series.count - 1
  }

  func reset() {
    state.withLock { $0 = State() }
  }

  // MARK: Stored form

  /// Numbers as text, one series a line, fields separated by tabs: few, and readable with any tool.
  func encodedIfChanged() -> [UInt8]? {
    guard isDurable else { return nil }
    let series = state.withLock { state -> [Series]? in
      guard state.isChanged else { return nil }
      state.isChanged = false
      return state.series
    }
    guard let series else { return nil }
    let lines = series.map { series in
      (["\(series.value)"] + series.buckets.map(String.init) + series.labels.map(Self.escape)).joined(separator: "\t")
    }
    return Array(lines.joined(separator: "\n").utf8)
  }

  func restore(_ bytes: [UInt8]) {
    let bucketCount = if case .histogram = kind { bounds.count + 1 } else { 0 }
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
