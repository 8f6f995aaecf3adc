extension PrometheusText.Format {
  /// What a client with this `Accept` header prefers; text for those who say nothing of either.
  ///
  /// Source: RFC 9110, section 12.5.1. OpenMetrics must be asked for by its name, because not everybody who takes anything reads it.
  init(accept: String?) {
    let types = (accept ?? "").split(separator: ",").map(MediaRange.init)
    let openMetrics = types.filter { $0.name == "application/openmetrics-text" }.map(\.quality).max() ?? 0
    let text = types.filter { $0.name == "text/plain" }.map(\.quality).max() ?? 0
    self = openMetrics > 0 && openMetrics >= text ? .openMetrics : .text
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
