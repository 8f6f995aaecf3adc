extension PrometheusText.Format {
  /// What a client with this `Accept` header prefers; text for those who say nothing of either.
  ///
  /// Source: RFC 9110, section 12.5.1: of the ranges that a type is in the most specific says its quality. OpenMetrics must be asked for by its
  /// name, because not everybody who takes anything reads it.
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
    /// From 0, never, to 1.
    var quality: Double

    init(_ text: Substring) {
      let parts = text.split(separator: ";").map { $0.filter { !$0.isWhitespace }.lowercased() }
      name = parts.first ?? ""
      quality = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
    }
  }
}
