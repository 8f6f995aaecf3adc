import ValueStreamCore

/// Writes metrics in the text formats that Prometheus reads.
///
/// Sources: "Exposition formats" of the Prometheus documentation (text, version 0.0.4), and OpenMetrics 1.0.
struct PrometheusText {
  enum Format {
    case text, openMetrics

    var contentType: String {
      switch self {
      case .text: "text/plain; version=0.0.4; charset=utf-8"
      case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
      }
    }
  }

  /// The trace and span of an exemplar.
  typealias IDs = (trace: TraceID, span: SpanID)

  private let format: Format
  private let ids: (OutboxEntry) -> IDs?
  private var text = ""

  /// Encodes metric families in order. Adds up counters of the same name, which belong to several registries.
  ///
  /// - Parameter ids: Returns the ids of a span for its exemplar; nil to leave the exemplar out. Only OpenMetrics has
  ///   exemplars.
  static func encode(
    _ families: [MetricFamily], as format: Format, ids: @escaping (OutboxEntry) -> IDs? = { _ in nil }
  ) -> [UInt8] {
    var writer = PrometheusText(format: format, ids: ids)
    var series: [String: [MetricFamily.Series]] = [:]
    for family in families { series[family.name] = merged(series[family.name], family.shownSeries) }
    for family in families { if let shown = series.removeValue(forKey: family.name) { writer.append(family, shown) } }
    if format == .openMetrics { writer.text += "# EOF\n" }
    return Array(writer.text.utf8)
  }

  private static func merged(_ first: [MetricFamily.Series]?, _ second: [MetricFamily.Series]) -> [MetricFamily.Series] {
    guard var result = first else { return second }
    let indices = Dictionary(zip(result.map(\.labels), result.indices)) { first, _ in first }
    for series in second {
      if let index = indices[series.labels] { result[index].value += series.value } else { result.append(series) }
    }
    return result
  }

  private mutating func append(_ family: MetricFamily, _ shownSeries: [MetricFamily.Series]) {
    // Samples of a counter end in `_total`. OpenMetrics names the family without it.
    let isCounter = family.kind == .counter
    let bare = isCounter && family.name.hasSuffix("_total") ? String(family.name.dropLast(6)) : family.name
    let name = isCounter && format == .text ? "\(bare)_total" : bare
    text += "# HELP \(name) \(Self.escape(family.help, quotes: format == .openMetrics))\n"
    text += "# TYPE \(name) \(Self.typeName(family.kind))\n"
    if format == .openMetrics, let unit = ["seconds", "bytes"].first(where: { name.hasSuffix("_\($0)") }) {
      text += "# UNIT \(name) \(unit)\n"
    }
    for series in shownSeries {
      // Format the labels once for all lines of a series. A histogram has about twenty.
      let labels = zip(family.labelNames, series.labels).map { "\($0)=\"\(Self.escape($1, quotes: true))\"" }
        .joined(separator: ",")
      switch family.kind {
      case .counter: append("\(bare)_total", labels, series.value)
      case .gauge: append(name, labels, series.value)
      case .histogram(let bounds): append(histogram: name, bounds.map(bound), labels, series)
      }
    }
  }

  private mutating func append(
    histogram name: String, _ bounds: [String], _ labels: String, _ series: MetricFamily.Series
  ) {
    let prefix = labels.isEmpty ? "le=\"" : "\(labels),le=\""
    var total: UInt64 = 0
    for (index, count) in series.buckets.enumerated() {
      total += count
      let bound = index < bounds.count ? bounds[index] : "+Inf"
      append("\(name)_bucket", "\(prefix)\(bound)\"", Double(total), exemplar: series.exemplars[index])
    }
    append("\(name)_sum", labels, series.value)
    append("\(name)_count", labels, Double(total))
  }

  private mutating func append(_ name: String, _ labels: String, _ value: Double, exemplar: Exemplar? = nil) {
    text += name
    if !labels.isEmpty {
      text += "{"
      text += labels
      text += "}"
    }
    text += " "
    text += Self.number(value)
    if format == .openMetrics, let exemplar, let ids = ids(exemplar.span) {
      let time = Self.number(Double(exemplar.span.time.nanoseconds / 1_000_000) / 1000)
      text += " # {trace_id=\"\(ids.trace)\",span_id=\"\(ids.span)\"} \(Self.number(exemplar.value)) \(time)"
    }
    text += "\n"
  }

  /// Returns the text of a bucket bound. OpenMetrics requires a float, so whole numbers get `.0`.
  private func bound(_ value: Double) -> String {
    let text = Self.number(value)
    return format == .openMetrics && text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? "\(text).0" : text
  }

  private static func typeName(_ kind: MetricFamily.Kind) -> String {
    switch kind {
    case .counter: "counter"
    case .gauge: "gauge"
    case .histogram: "histogram"
    }
  }

  /// Escapes a text byte by byte. Swift sees CR LF, or a quote with a combining accent, as a single Character.
  private static func escape(_ text: String, quotes: Bool) -> String {
    guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x0A || $0 == 0x22 }) else { return text }
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes += "\\\\".utf8
      case 0x0A: bytes += "\\n".utf8
      case UInt8(ascii: "\"") where quotes: bytes += "\\\"".utf8
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Returns a number as Go prints it with `%g`, because dashboards match bucket bounds by text, such as `1.8e+06`.
  ///
  /// Uses the shortest digits that read back as the same value. Uses an exponent of at least two digits below 1e-4, and
  /// from 1e6 on unless the plain number is shorter (a count of 1234567 stays plain).
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value == 0 { return "0" }
    // Fast path, because most numbers are small counts.
    if let whole = Int32(exactly: value), whole.magnitude < 1_000_000 { return "\(whole)" }
    let (digits, exponent) = decimal(value.magnitude)
    let sign = value < 0 ? "-" : ""
    guard exponent < -4 || exponent >= 17 || exponent >= 6 && digits.count <= 6 else { return sign + plain(digits, exponent) }
    let fraction = digits.dropFirst()
    let magnitude = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
    return sign + digits.prefix(1) + (fraction.isEmpty ? "" : ".\(fraction)") + "e" + (exponent < 0 ? "-" : "+") + magnitude
  }

  /// Returns the significant digits and the power of ten of the first one.
  private static func decimal(_ value: Double) -> (digits: String, exponent: Int) {
    let parts = "\(value)".split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let whole = mantissa[0]
    let fraction = mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : ""
    let all = String(whole) + fraction
    let leadingZeros = all.prefix { $0 == "0" }.count
    var digits = String(all.dropFirst(leadingZeros))
    while digits.hasSuffix("0") { digits.removeLast() }
    let power = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    return (digits, whole.count - 1 - leadingZeros + power)
  }

  private static func plain(_ digits: String, _ exponent: Int) -> String {
    if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + digits }
    if digits.count <= exponent + 1 { return digits + String(repeating: "0", count: exponent + 1 - digits.count) }
    return digits.prefix(exponent + 1) + "." + digits.dropFirst(exponent + 1)
  }
}
