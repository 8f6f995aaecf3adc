import Catalog
import CurlTransport
import Intake
import IntakeClient
import Simulator
import ValueStreamCore

extension Command {
  static let generateHistory = Command(
    words: ["generate", "history"], summary: "generate the webhook deliveries of a small organization",
    description: """
      Generates two weeks of a team with four repositories: issues, pull requests with reviews, builds and
      merge queues, deploys, an incident, releases. The deliveries are those that GitHub would have sent. With
      --story=year, it generates a year of four teams with GitHub, GitLab, Jira, Jenkins and scripts instead,
      with hotfixes, reverts, rollbacks, direct pushes and a bad quarter, and can write the true delivery
      metrics beside it. The same seed and end give the same deliveries. They are printed as one JSON object
      per line, {"time": ..., "path": "/github", "headers": {...}, "body": {...}}, or sent to a vsd in order,
      one after the other, signed if there is a secret.
      """,
    declarations: GenerateHistory.declarations,
    examples: [
      ("Look at the first delivery", "vsperf generate history --until 2026-11-24T18:00:00Z | head -1 | jq ."),
      ("Fill a vsd on this machine", "vsperf generate history --send http://127.0.0.1:5000"),
      ("Write a month of ten teams to a file", "vsperf generate history --scale 10 --days 30 --out history.ndjson"),
      (
        "A year with the tools of five vendors, and its true delivery metrics",
        "vsperf generate history --story year --out year.ndjson --answers answers.json"
      ),
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
  private let secrets: [String: Secret]
  /// Signs the deliveries as imported ones; nil to send them as webhooks.
  private let importSecret: Secret?
  private let order: DeliveryOrder
  private let story: Story
  private let connectionCount: Int
  private let answers: String?

  enum Story: String, CaseIterable, Sendable {
    case team, year
  }

  static let seed = Setting<UInt64>(
    "seed", environment: "", placeholder: "N", default: 1, defaultText: "1",
    help: "Which data to generate. The same seed gives the same data."
  ) { text throws(SettingError) in
    guard let seed = UInt64(text) else { throw SettingError(expected: "a whole number from 0 on") }
    return seed
  }

  private static let storySetting = Setting<Story>.choice(
    "story", environment: "", default: .team,
    help: "What to generate: a team with GitHub, or a year of four teams with the tools of five vendors.")

  private static let answersSetting = Setting<String?>.optionalText(
    "answers", environment: "", placeholder: "FILE",
    help: "With --story=year: also write the true delivery metrics, counted from the plan of the history, as JSON.")

  private static let days = Setting<Int?>(
    "days", environment: "", placeholder: "N", default: nil, defaultText: "14, or 365 with --story=year",
    help: "Length of the history."
  ) { text throws(SettingError) in
    let range = HistoryConfiguration.dayRange
    guard let days = Int(text), range.contains(days) else {
      throw SettingError(expected: "a number of days from \(range.lowerBound) to \(range.upperBound)")
    }
    return days
  }

  private static let scale = Setting<Double>(
    "scale", environment: "", placeholder: "X", default: 1, defaultText: "1",
    help: "How much happens. 1 is a team of eight, 10 is ten such teams, 0.5 is half as much. With --story=year, at most 60."
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

  private static let imports = Setting<Bool>.toggle(
    "import", environment: "",
    help:
      "With --send: send the deliveries as imported ones, which count in reports but not in Prometheus. Needs the import secret of vsd."
  )

  private static let connections = Setting<Int>.count(
    "connections", default: 1, in: 1...64,
    help: "Deliveries that --send has under way at once. More than one is quicker, but their order may change.")

  private static let shuffle = Setting<Bool>.toggle(
    "shuffle", environment: "", help: "Shuffle the deliveries. This keeps all of them in memory.")

  private static let duplicate = Setting<Double>(
    "duplicate", environment: "", placeholder: "SHARE", default: 0, defaultText: "0",
    help: "Share of deliveries to repeat with the same delivery id. 0.1 is one in ten."
  ) { text throws(SettingError) in
    guard let share = Double(text), (0...1).contains(share) else { throw SettingError(expected: "a share from 0 to 1") }
    return share
  }

  /// The sources of a generated history, in the order of the help.
  private static let senders = YearHistory.paths.compactMap { SourceCatalog.factory(at: $0) }

  static let declarations =
    [
      storySetting.declaration, seed.declaration, days.declaration, scale.declaration, until.declaration, Setting.out.declaration,
      send.declaration, imports.declaration,
      connections.declaration, shuffle.declaration, duplicate.declaration, answersSetting.declaration,
    ] + senders.flatMap(\.secret.declarations) + IntakeSettings.importSecret.declarations

  init(_ settings: Settings) throws {
    do throws(SettingsError) {
      let seed = try settings.value(of: Self.seed)
      story = try settings.value(of: Self.storySetting)
      let scale = try settings.value(of: Self.scale)
      if story == .year, scale > YearHistory.greatestScale {
        throw SettingsError("--story=year goes up to --scale \(Int(YearHistory.greatestScale))")
      }
      answers = try settings.value(of: Self.answersSetting)
      if answers != nil, story != .year { throw SettingsError("--answers goes with --story=year") }
      configuration = HistoryConfiguration(
        seed: seed, days: try settings.value(of: Self.days) ?? (story == .year ? 365 : 14), scale: scale,
        until: try settings.value(of: Self.until) ?? SystemClock().now())
      output = try settings.value(of: Setting.out)
      receiver = try settings.value(of: Self.send)
      connectionCount = try settings.value(of: Self.connections)
      order = DeliveryOrder(
        seed: seed, isShuffled: try settings.value(of: Self.shuffle), duplicateShare: try settings.value(of: Self.duplicate))
      // vsd accepts a list of secrets; a sender signs with the first one.
      var secrets: [String: Secret] = [:]
      for sender in Self.senders {
        secrets[sender.route] = try sender.secret.secrets(in: settings, readFile: Environment.readFile).first
      }
      self.secrets = secrets
      if try settings.value(of: Self.imports) {
        guard receiver != nil else { throw SettingsError("--import goes with --send") }
        importSecret = try IntakeSettings.importSecret.secrets(in: settings, readFile: Environment.readFile).first
        if importSecret == nil { throw SettingsError("--import needs VS_IMPORT_SECRET or --import-secret-file, as vsd has it") }
      } else {
        importSecret = nil
      }
    } catch {
      throw UsageError("\(error)", seeing: ["generate", "history"])
    }
    if receiver != nil, output != nil {
      throw UsageError("--send and --out do not go together", seeing: ["generate", "history"])
    }
  }

  func run() async throws {
    var report = DeliveryReport(verb: receiver == nil ? "wrote" : "sent")
    let year = story == .year ? YearHistory(configuration) : nil
    let deliveries = year.map(order.applied) ?? order.applied(to: HistoryGenerator(configuration))
    if let year, let answers {
      var file = try OutputFile(path: answers)
      try file.write(year.answers.json)
      try file.flush()
    }
    if let receiver {
      let sender = DeliverySender(
        receiver: receiver, secrets: secrets, importSecret: importSecret, transport: CurlTransport(),
        authenticator: try SystemMessageAuthenticator())
      let isReached = try await send(deliveries, with: sender, &report)
      // A history can be empty, such as a weekend of a small team. The ping still shows whether vsd answers.
      if !isReached { try await sender.send(.ping(at: SystemClock().now())) }
    } else {
      var output = try OutputFile(path: output)
      for delivery in deliveries {
        try output.writeLine(delivery.json)
        report.count(delivery)
      }
      try output.flush()
    }
    report.finish()
  }

  /// Sends deliveries, several at a time.
  ///
  /// - Returns: True if there was at least one.
  private func send(
    _ deliveries: some Sequence<HistoryDelivery>, with sender: DeliverySender, _ report: inout DeliveryReport
  ) async throws -> Bool {
    try await withThrowingTaskGroup(of: Void.self) { group in
      var sent = 0
      for delivery in deliveries {
        if sent >= connectionCount { try await group.next() }
        group.addTask { try await sender.send(delivery) }
        report.count(delivery)
        sent += 1
      }
      try await group.waitForAll()
      return sent > 0
    }
  }
}
