import FoundationEssentials
import ValueStreamCore

extension Command {
  static let eventStart = Command(
    words: ["event", "start"], summary: "tell vsd that a deploy, or other work, starts",
    description: """
      Sends a custom event and prints its id, which the end is told by. With --tag, who runs this is told too.
      A vsd that is busy or away is asked again until --wait is over; then exit code 69.
      """,
    declarations: EventSettings.start,
    examples: [
      ("A deploy starts, as part of an issue", "id=$(vsperf event start --parent-event-id vstrace-github-issue-site-36)"),
      ("With what is known of it", "vsperf event start --namespace acme/site --environment production --reference $COMMIT"),
    ],
    run: { settings in
      let id = try settings.value(of: EventSettings.chosenID) ?? newEventID()
      try await send(CustomEvent(.start, id: id, time: SystemClock().now(), settings), settings)
      var output = try Output(path: nil)
      try output.writeLine(Array(id.utf8))
      try output.flush()
    })

  static let eventEnd = Command(
    words: ["event", "end"], summary: "tell vsd that it is over",
    description: """
      Sends a custom event that ends the one with this id, of the same --namespace and --type. Its outcome is success, unless
      --error or --outcome says otherwise.
      """,
    declarations: EventSettings.end,
    examples: [
      ("It went well", "vsperf event end --event-id $id"),
      ("It did not", "vsperf event end --event-id $id --error --tag \"step|migration\""),
    ],
    run: { settings in
      var event = try CustomEvent(.end, id: id(in: settings, of: "end"), time: SystemClock().now(), settings)
      event.isError = try settings.value(of: EventSettings.error)
      event.outcome = try settings.value(of: EventSettings.outcome)
      if event.isError, event.outcome?.isError == false {
        throw UsageError(
          "--error and --outcome \(event.outcome?.rawValue ?? "") contradict each other", seeing: ["event", "end"])
      }
      try await send(event, settings)
    })

  static let eventAnnotate = Command(
    words: ["event", "annotate"], summary: "add something to it, while it runs or later",
    description: """
      Sends tags, references, a moment within it, without starting or ending anything.
      """,
    declarations: EventSettings.annotate,
    examples: [("Somebody approved", "vsperf event annotate --event-id $id --moment approval --tag \"approver|tal\"")],
    run: { settings in
      var event = try CustomEvent(.annotate, id: id(in: settings, of: "annotate"), time: SystemClock().now(), settings)
      event.moment = try settings.value(of: EventSettings.moment)
      try await send(event, settings)
    })

  /// An id that nothing else has.
  static func newEventID() -> String { UUID().uuidString.lowercased() }

  private static func id(in settings: Settings, of action: String) throws -> String {
    guard let id = try settings.value(of: EventSettings.id) else {
      throw UsageError("which event? --event-id ID, as vsperf event start printed it", seeing: ["event", action])
    }
    return id
  }

  private static func send(_ event: CustomEvent, _ settings: Settings) async throws {
    try await EventSender(settings).send(event)
  }
}
