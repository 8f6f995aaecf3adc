extension PrometheusText.Format {
  /// Chooses the format that a client with this `Accept` header prefers. Text if the header names neither.
  ///
  /// The client must ask for OpenMetrics by name, because not every client that accepts anything can read it.
  ///
  /// Source: RFC 9110, section 12.5.1: the most specific range that matches a type determines its quality.
  init(accept: String?) {
    let ranges = (accept ?? "").split(separator: ",").map(MediaRange.init)
    func quality(_ names: String...) -> Double {
      names.lazy.compactMap { name in ranges.filter { $0.name == name }.map(\.quality).max() }.first ?? 0
    }
    let openMetrics = quality("application/openmetrics-text")
    self = openMetrics > 0 && openMetrics >= quality("text/plain", "text/*", "*/*") ? .openMetrics : .text
  }

  private struct MediaRange {
    var name: String
    /// The quality from 0 (never) to 1.
    var quality: Double

    init(_ text: Substring) {
      let parts = text.split(separator: ";").map { $0.filter { !$0.isWhitespace }.lowercased() }
      name = parts.first ?? ""
      quality = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
    }
  }
}
