package import ValueStreamCore

/// What users set of projection, export and retention.
package enum PipelineSettings {
  package static let settle = Setting<Duration>.duration(
    "settle", default: .seconds(5), text: "5s",
    help:
      "Delay before a finished span is exported, so that late events are included. Metrics count it after 12 times as long. With only the mock tracer, the default is 0."
  )

  /// Counters wait so many times as long as exporters: what they counted stays, and a scrape should see their series at 0 before.
  package static let countGraceFactor = 12

  package static let exportBacklog = Setting<Duration>.duration(
    "export-backlog", default: .seconds(7 * 86_400), text: "7d",
    help: "How long finished spans wait for a backend that does not accept them. After that, the oldest are dropped.")

  package static let traceStrategy = Setting<TraceStrategy>.choice(
    "trace-strategy", default: .nested,
    help:
      "What makes one trace. nested: everything that belongs together. linked: each change and each run by itself, with links between them."
  )

  package static let attributes = Setting<AttributeSelection>.choice(
    "attributes", default: .both,
    help:
      "Names of exported attributes. semconv: OpenTelemetry's semantic conventions. classic: the tags of the Go ValueStream. both: all of them."
  )

  package static let phases = Setting<PhaseStyle>.choice(
    "phases", default: .events,
    help: "Export the phases of a span as span events or as child spans. The logging tracer always lists them in the span.")

  package static let serviceNames = Setting<ServiceNames>(
    "service-names", otherVariables: ["OTEL_SERVICE_NAME"], placeholder: "NAMES", default: ServiceNames(), defaultText: nil,
    help:
      "Service names of exported spans, in place of the source's name: one name for all spans, or source=name pairs, separated by commas.",
    parse: ServiceNames.init(setting:))

  package static let logRetention = Setting<Duration>.duration(
    "log-retention", default: .seconds(30 * 86_400), text: "30d",
    help: "How long to keep raw deliveries. Deliveries that are not projected yet are never removed.")

  package static let logMaxSize = Setting<ByteCount>.byteCount(
    "log-max-size", default: ByteCount(bytes: 2 << 30), text: "2GiB",
    help: "Largest size of the raw deliveries on disk. Above it, the oldest are removed.")

  package static let spanRetention = Setting<Duration>.duration(
    "span-retention", default: .seconds(400 * 86_400), text: "400d",
    help: "How long to keep finished spans, counted from their end.")

  package static let seriesLimit = Setting<Int>(
    "metric-series-limit", placeholder: "NUMBER", default: 2000, defaultText: "2000",
    help: "Most series per metric. Further label values are counted as \"other\"."
  ) { text throws(SettingError) in
    guard let number = Int(text), number > 0 else { throw SettingError(expected: "a number above 0") }
    return number
  }

  package static let branchMetrics = Setting<Bool>.toggle(
    "metric-branches", help: "Add the vcs_change_*_seconds gauges of the semantic conventions, with one series per branch.")

  package static let declarations = [
    settle.declaration, exportBacklog.declaration, traceStrategy.declaration, attributes.declaration, phases.declaration,
    serviceNames.declaration, logRetention.declaration,
    logMaxSize.declaration, spanRetention.declaration, seriesLimit.declaration, branchMetrics.declaration,
  ]
}
