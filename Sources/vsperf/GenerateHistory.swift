import CurlTransport
import GitHubWebhooks
import Simulator
import ValueStreamCore

extension Command {
  static let generateHistory = Command(
    words: ["generate", "history"], summary: "generate the webhook deliveries of a small organization",
    description: """
      Generates two weeks of a team with four repositories: issues, pull requests with reviews, builds and
      merge queues, deploys, an incident, releases. The deliveries are those that GitHub would have sent. The
      same seed and end give the same deliveries. They are printed as one JSON object per line,
      {"time": ..., "path": "/github", "headers": {...}, "body": {...}}, or sent to a vsd in order, one after
      the other, signed if there is a secret.
      """,
    declarations: GenerateHistory.declarations,
    examples: [
      ("Look at the first delivery", "vsperf generate history --until 2026-11-24T18:00:00Z | head -1 | jq ."),
      ("Fill a vsd on this machine", "vsperf generate history --send http://127.0.0.1:5000"),
      ("Write a month of ten teams to a file", "vsperf generate history --scale 10 --days 30 --out history.ndjson"),
      (
        "The same deliveries in another order, some of them twice",
        "vsperf generate history --shuffle --duplicate 0.1 --send http://127.0.0.1:5000"
      ),
    ],
    run: { try await GenerateHistory($0).run() })
}

/// Implements `vsperf generate history`.
struct GenerateHistory: Sendable {
  private let configuration: HistoryConfiguration
  private let output: String?
  private let receiver: String?
  private let secret: Secret?
  private let order: DeliveryOrder

  static let seed = Setting<UInt64>(
    "seed", environment: "", placeholder: "N", default: 1, defaultText: "1",
    help: "Which data to generate. The same seed gives the same data."
  ) { text throws(SettingError) in
    guard let seed = UInt64(text) else { throw SettingError(expected: "a whole number from 0 on") }
    return seed
  }

  private static let days = Setting<Int>.count(
    "days", of: "days", default: 14, in: HistoryConfiguration.dayRange, help: "Length of the history.")

  private static let scale = Setting<Double>(
    "scale", environment: "", placeholder: "X", default: 1, defaultText: "1",
    help: "How much happens. 1 is a team of eight, 10 is ten such teams, 0.5 is half as much."
  ) { text throws(SettingError) in
    guard let scale = Double(text), HistoryConfiguration.scaleRange.contains(scale) else {
      throw SettingError(expected: "a number from 0.01 to 1000")
    }
    return scale
  }

  private static let until = Setting<Timestamp?>.time(
    "until", defaultText: "now", help: "End of the history. Work that is not finished by then stays open.")

  private static let send = Setting<String?>.address(
    "send", environment: "", help: "Post the deliveries to this vsd instead of printing them.")

  private static let shuffle = Setting<Bool>.toggle(
    "shuffle", environment: "", help: "Shuffle the deliveries. This keeps all of them in memory.")

  private static let duplicate = Setting<Double>(
    "duplicate", environment: "", placeholder: "SHARE", default: 0, defaultText: "0",
    help: "Share of deliveries to repeat with the same delivery id. 0.1 is one in ten."
  ) { text throws(SettingError) in
    guard let share = Double(text), (0...1).contains(share) else { throw SettingError(expected: "a share from 0 to 1") }
    return share
  }

  static let declarations =
    [
      seed.declaration, days.declaration, scale.declaration, until.declaration, Setting.out.declaration, send.declaration,
      shuffle.declaration, duplicate.declaration,
    ] + GitHubSource.secretSetting.declarations

  init(_ settings: Settings) throws {
    do throws(SettingsError) {
      let seed = try settings.value(of: Self.seed)
      configuration = HistoryConfiguration(
        seed: seed, days: try settings.value(of: Self.days), scale: try settings.value(of: Self.scale),
        until: try settings.value(of: Self.until) ?? SystemClock().now())
      output = try settings.value(of: Setting.out)
      receiver = try settings.value(of: Self.send)
      order = DeliveryOrder(
        seed: seed, isShuffled: try settings.value(of: Self.shuffle), duplicateShare: try settings.value(of: Self.duplicate))
      // vsd accepts a list of secrets; a sender signs with the first one.
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
      // A history can be empty, such as a weekend of a small team. The ping still shows whether vsd answers.
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
