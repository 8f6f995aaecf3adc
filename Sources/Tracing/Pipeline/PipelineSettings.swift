package import ValueStreamCore

/// What users set of projection, export and retention.
package enum PipelineSettings {
  package static let settle = Setting<Duration>.duration(
    "settle", default: .seconds(5), text: "5s",
    help: "Wait before a finished span is exported, for what may still be told of it.")

  /// Counters wait so many times as long as exporters: what they counted stays, and a scrape should see their series at 0 before.
  package static let countGraceFactor = 12

  package static let exportBacklog = Setting<Duration>.duration(
    "export-backlog", default: .seconds(7 * 86_400), text: "7d",
    help: "How long finished spans wait for a receiver that does not take them; past it the oldest are dropped.")

  package static let traceStrategy = Setting<TraceStrategy>.choice(
    "trace-strategy", default: .nested,
    help: "What is one trace: nested is all that belongs together, linked each change and each run, with links between them.")

  package static let attributes = Setting<AttributeSelection>.choice(
    "attributes", default: .both, help: "Names of exported attributes: semantic conventions, the classic tags, or both.")

  package static let phases = Setting<PhaseStyle>.choice(
    "phases", default: .events,
    help: "How exporters show phases of a span: as events of it, or as spans of their own. logging shows them in any case.")

  package static let serviceNames = Setting<ServiceNames>(
    "service-names", otherVariables: ["OTEL_SERVICE_NAME"], placeholder: "NAMES", default: ServiceNames(), defaultText: nil,
    help: "Services of exported spans, instead of the names of their sources: one for all, or source=name, separated by commas.",
    parse: ServiceNames.init(setting:))

  package static let logRetention = Setting<Duration>.duration(
    "log-retention", default: .seconds(30 * 86_400), text: "30d",
    help: "How long raw deliveries are kept; what is not projected yet is never removed.")

  package static let logMaxSize = Setting<ByteCount>.byteCount(
    "log-max-size", default: ByteCount(bytes: 2 << 30), text: "2GiB",
    help: "Bytes of raw deliveries past which the oldest are removed.")

  package static let spanRetention = Setting<Duration>.duration(
    "span-retention", default: .seconds(400 * 86_400), text: "400d", help: "How long finished spans are kept.")

  package static let seriesLimit = Setting<Int>(
    "metric-series-limit", placeholder: "NUMBER", default: 2000, defaultText: "2000",
    help: "Sets of label values per metric, past which the rest is counted as \"other\"."
  ) { text throws(SettingError) in
    guard let number = Int(text), number > 0 else { throw SettingError(expected: "a number above 0") }
    return number
  }

  package static let branchMetrics = Setting<Bool>.toggle(
    "metric-branches", help: "Show the vcs_change_*_seconds gauges of the semantic conventions, a series for each branch.")

  package static let declarations = [
    settle.declaration, exportBacklog.declaration, traceStrategy.declaration, attributes.declaration, phases.declaration,
    serviceNames.declaration, logRetention.declaration,
    logMaxSize.declaration, spanRetention.declaration, seriesLimit.declaration, branchMetrics.declaration,
  ]
}
