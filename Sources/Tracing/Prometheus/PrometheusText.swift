import ValueStreamCore

/// The text forms in which Prometheus reads metrics.
///
/// Sources: "Exposition formats" of the Prometheus documentation (text, version 0.0.4), and OpenMetrics 1.0.
enum PrometheusText {
  enum Format {
    case text, openMetrics

    var contentType: String {
      switch self {
      case .text: "text/plain; version=0.0.4; charset=utf-8"
      case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
      }
    }
  }

  static func encode(_ families: [MetricFamily], as format: Format) -> [UInt8] {
    var text = ""
    for family in families { append(family, to: &text, format) }
    if format == .openMetrics { text += "# EOF\n" }
    return Array(text.utf8)
  }

  private static func append(_ family: MetricFamily, to text: inout String, _ format: Format) {
    // Samples of a counter end in _total; OpenMetrics names their family without it.
    let isCounter = family.kind == .counter
    let bare = isCounter && family.name.hasSuffix("_total") ? String(family.name.dropLast(6)) : family.name
    let name = isCounter && format == .text ? "\(bare)_total" : bare
    text += "# HELP \(name) \(escape(family.help, quotes: false))\n"
    text += "# TYPE \(name) \(typeName(family.kind))\n"
    for series in family.series {
      switch family.kind {
      case .counter: append("\(bare)_total", family, series, series.value, to: &text)
      case .gauge: append(name, family, series, series.value, to: &text)
      case .histogram(let bounds): append(histogram: name, bounds, family, series, to: &text)
      }
    }
  }

  private static func append(
    histogram name: String, _ bounds: [Double], _ family: MetricFamily, _ series: MetricFamily.Series, to text: inout String
  ) {
    var total: UInt64 = 0
    for (index, count) in series.buckets.enumerated() {
      total += count
      let bound = index < bounds.count ? number(bounds[index]) : "+Inf"
      append("\(name)_bucket", family, series, Double(total), extra: ("le", bound), to: &text)
    }
    append("\(name)_sum", family, series, series.value, to: &text)
    append("\(name)_count", family, series, Double(total), to: &text)
  }

  private static func append(
    _ name: String, _ family: MetricFamily, _ series: MetricFamily.Series, _ value: Double,
    extra: (name: String, value: String)? = nil, to text: inout String
  ) {
    var labels = zip(family.labelNames, series.labels).map { "\($0)=\"\(escape($1, quotes: true))\"" }
    if let extra { labels.append("\(extra.name)=\"\(extra.value)\"") }
    text += labels.isEmpty ? name : "\(name){\(labels.joined(separator: ","))}"
    text += " \(number(value))\n"
  }

  private static func typeName(_ kind: MetricFamily.Kind) -> String {
    switch kind {
    case .counter: "counter"
    case .gauge: "gauge"
    case .histogram: "histogram"
    }
  }

  /// Byte by byte: a carriage return and a line feed, or a quote and a combining accent, are one Character to Swift.
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

  /// A number as Go prints it with `%g`: dashboards match bucket bounds by their text, `1.8e+06`.
  ///
  /// Shortest digits that read back the same; an exponent of at least two digits below 1e-4, and from 1e6 on where that is
  /// no longer than the plain number (a count of 1234567 stays plain).
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value == 0 { return "0" }
    let (digits, exponent) = decimal(value.magnitude)
    let sign = value < 0 ? "-" : ""
    guard exponent < -4 || exponent >= 17 || exponent >= 6 && digits.count <= 6 else { return sign + plain(digits, exponent) }
    let fraction = digits.dropFirst()
    let magnitude = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
    return sign + digits.prefix(1) + (fraction.isEmpty ? "" : ".\(fraction)") + "e" + (exponent < 0 ? "-" : "+") + magnitude
  }

  /// Significant digits and the power of ten of the first.
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
