package import ValueStreamCore

/// Settings for how long raw deliveries, finished spans and facts are kept.
package enum RetentionSettings {
  package static let logRetention = Setting<Duration>.duration(
    "log-retention", default: .seconds(30 * 86_400), text: "30d",
    help: "How long to keep raw deliveries. Deliveries that are not projected yet are never removed.")

  package static let logMaxSize = Setting<ByteCount>.byteCount(
    "log-max-size", default: ByteCount(bytes: 2 << 30), text: "2GiB",
    help: "Largest size of the raw deliveries on disk. Above it, the oldest are removed.")

  package static let spanRetention = Setting<Duration>.duration(
    "span-retention", default: .seconds(400 * 86_400), text: "400d",
    help: "How long to keep finished spans, counted from their end.")

  package static let factRetention = Setting<Duration>.duration(
    "fact-retention", default: .seconds(1826 * 86_400), text: "1826d",
    help: "How long to keep facts, from which reports are computed. Make it longer than --span-retention to compare years.")

  package static let declarations = [
    logRetention.declaration, logMaxSize.declaration, spanRetention.declaration, factRetention.declaration,
  ]
}
