package import ValueStreamCore

/// Settings that all exporters share.
package enum ExportSettings {
  package static let gracePeriod = Setting<Duration>.duration(
    "settle", default: .seconds(5), text: "5s",
    help:
      "Delay before a finished span is exported, so that late events are included. Metrics count it after 12 times as long. With only the mock tracer, the default is 0."
  )

  package static let exportBacklog = Setting<Duration>.duration(
    "export-backlog", default: .seconds(7 * 86_400), text: "7d",
    help: "How long finished spans wait for a backend that does not accept them. After that, the oldest are dropped.")

  package static let exportImported = Setting<Bool>.toggle(
    "export-imported",
    help: "Export also finished spans that only imported deliveries told. Many backends refuse spans that ended long ago.")

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

  package static let declarations = [
    gracePeriod.declaration, exportBacklog.declaration, exportImported.declaration, traceStrategy.declaration,
    attributes.declaration, phases.declaration,
    serviceNames.declaration,
  ]
}
