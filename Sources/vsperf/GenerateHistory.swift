import CurlTransport
import GitHub
import HistoryGenerator
import ValueStreamCore

extension Command {
  static let generateHistory = Command(
    words: ["generate", "history"], summary: "make up the webhook deliveries of a small organisation",
    description: """
      Tells two weeks, or as much as is asked for, of a team with four repositories: issues, pull requests
      with reviews, builds and merge queues, deploys, an incident, releases. The deliveries are those that
      GitHub would have sent, the same for the same seed and end. They are printed, one JSON object a line:
      {"time": ..., "path": "/github", "headers": {...}, "body": {...}}, or sent to a vsd in their order, one
      after the other, signed where there is a secret.
      """,
    declarations: GenerateHistory.declarations,
    examples: [
      ("Look at the first of them", "vsperf generate history --until 2026-11-24T18:00:00Z | head -1 | jq ."),
      ("Fill a vsd on this machine", "vsperf generate history --send http://127.0.0.1:5000"),
      ("Ten teams over a month into a file", "vsperf generate history --scale 10 --days 30 --out history.ndjson"),
      (
        "The same deliveries in another order, some of them twice",
        "vsperf generate history --shuffle --duplicate 0.1 --send http://127.0.0.1:5000"
      ),
    ],
    run: { try await GenerateHistory($0).run() })
}

/// `vsperf generate history`.
struct GenerateHistory: Sendable {
  private let configuration: HistoryConfiguration
  private let output: String?
  private let receiver: String?
  private let secret: Secret?
  private let order: DeliveryOrder

  static let seed = Setting<UInt64>(
    "seed", environment: "", placeholder: "N", default: 1, defaultText: "1",
    help: "Which one is made up; each number gives another."
  ) { text throws(SettingError) in
    guard let seed = UInt64(text) else { throw SettingError(expected: "a whole number from 0 on") }
    return seed
  }

  private static let days = Setting<Int>.count(
    "days", of: "days", default: 14, in: HistoryConfiguration.dayRange, help: "How long it is.")

  private static let scale = Setting<Double>(
    "scale", environment: "", placeholder: "X", default: 1, defaultText: "1",
    help: "How much happens: 1 is a team of eight, 10 are ten such teams, 0.5 one that does half as much."
  ) { text throws(SettingError) in
    guard let scale = Double(text), HistoryConfiguration.scaleRange.contains(scale) else {
      throw SettingError(expected: "a number from 0.01 to 1000")
    }
    return scale
  }

  private static let until = Setting<Timestamp?>.time(
    "until", defaultText: "now", help: "When it ends; what is not over by then stays open.")

  static let out = Setting<String?>.optionalText(
    "out", environment: "", placeholder: "FILE", help: "Write there; - and nothing stand for standard output.")

  private static let send = Setting<String?>.address(
    "send", environment: "", help: "POST the deliveries to the vsd there, below each delivery's path, instead of printing them.")

  private static let shuffle = Setting<Bool>.toggle(
    "shuffle", environment: "", help: "Mix the order up. All deliveries are then in memory.")

  private static let duplicate = Setting<Double>(
    "duplicate", environment: "", placeholder: "SHARE", default: 0, defaultText: "0",
    help: "How many deliveries come once more, with the same delivery id: 0.1 is one in ten."
  ) { text throws(SettingError) in
    guard let share = Double(text), (0...1).contains(share) else { throw SettingError(expected: "a share from 0 to 1") }
    return share
  }

  static let declarations =
    [
      seed.declaration, days.declaration, scale.declaration, until.declaration, out.declaration, send.declaration,
      shuffle.declaration, duplicate.declaration,
    ] + GitHubSource.secretSetting.declarations

  init(_ settings: Settings) throws {
    do throws(SettingsError) {
      let seed = try settings.value(of: Self.seed)
      configuration = HistoryConfiguration(
        seed: seed, days: try settings.value(of: Self.days), scale: try settings.value(of: Self.scale),
        until: try settings.value(of: Self.until) ?? SystemClock().now())
      output = try settings.value(of: Self.out)
      receiver = try settings.value(of: Self.send)
      order = DeliveryOrder(
        seed: seed, isShuffled: try settings.value(of: Self.shuffle), duplicateShare: try settings.value(of: Self.duplicate))
      // Several are for those who check; who signs takes the first.
      secret = try GitHubSource.secretSetting.secrets(in: settings, readFile: Environment.readFile).first
    } catch {
      throw UsageError("\(error)", seeing: ["generate", "history"])
    }
    if receiver != nil, output != nil {
      throw UsageError("--send and --out do not go together", seeing: ["generate", "history"])
    }
  }

  func run() async throws {
    var report = DeliveryReport(verb: receiver == nil ? "wrote" : "sent")
    let deliveries = order.applied(to: HistoryGenerator(configuration))
    if let receiver {
      let sender = try DeliverySender(receiver: receiver, secret: secret, transport: CurlTransport())
      var isReached = false
      for delivery in deliveries {
        try await sender.send(delivery)
        report.count(delivery)
        isReached = true
      }
      // A history without deliveries (a small team at a weekend) must not hide that nobody listens.
      if !isReached { try await sender.send(.ping(at: SystemClock().now())) }
    } else {
      var output = try Output(path: output)
      for delivery in deliveries {
        try output.writeLine(delivery.json)
        report.count(delivery)
      }
      try output.flush()
    }
    report.finish()
  }
}
