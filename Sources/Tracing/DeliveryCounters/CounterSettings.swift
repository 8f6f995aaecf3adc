package import ValueStreamCore

/// Settings of the metrics.
package enum CounterSettings {
  /// The grace period of metrics, as a multiple of the grace period before export.
  ///
  /// Metrics wait longer because counters never decrease, and because a scrape should see a series at 0 before its
  /// first count.
  package static let countGraceFactor = 12

  package static let seriesLimit = Setting<Int>(
    "metric-series-limit", placeholder: "NUMBER", default: 2000, defaultText: "2000",
    help: "Most series per metric. Further label values are counted as \"other\"."
  ) { text throws(SettingError) in
    guard let number = Int(text), number > 0 else { throw SettingError(expected: "a number above 0") }
    return number
  }

  package static let size = Setting<ByteCount>(
    "metric-size", placeholder: "SIZE", default: ByteCount(bytes: 3 << 20), defaultText: "3MiB",
    help:
      "Size of /metrics before compression, without the DORA gauges, up to which label values get series of their own. Later ones are shown as \"other\"."
  ) { text throws(SettingError) in
    let size = try ByteCount(setting: text)
    guard (1...(1 << 30)).contains(size.bytes) else { throw SettingError(expected: "a size from 1B to 1GiB") }
    return size
  }

  package static let branchMetrics = Setting<Bool>.toggle(
    "metric-branches", help: "Add the vcs_change_*_seconds gauges of the semantic conventions, with one series per branch.")

  package static let declarations = [seriesLimit.declaration, size.declaration, branchMetrics.declaration]
}
