import CustomHTTP
import FoundationEssentials
import IntakeClient
import ValueStreamCore

extension Command {
  static let eventStart = Command(
    words: ["event", "start"], summary: "report that a deploy or other work starts",
    description: """
      Sends a custom event and prints its id, which vsperf event end takes. With --tag it also sends who runs it.
      Retries for --wait while vsd is busy or away, then exits with 69.
      """,
    declarations: EventSettings.start,
    examples: [
      ("A deploy starts, as part of an issue", "id=$(vsperf event start --parent-event-id vstrace-github-issue-site-36)"),
      ("With environment and commit", "vsperf event start --namespace acme/site --environment production --reference $COMMIT"),
    ],
    run: { settings in
      let id = try settings.value(of: EventSettings.chosenID) ?? newEventID()
      try await send(CustomEvent(.start, id: id, time: SystemClock().now(), settings), settings)
      var output = try OutputFile(path: nil)
      try output.writeLine(Array(id.utf8))
      try output.flush()
    })

  static let eventEnd = Command(
    words: ["event", "end"], summary: "report that it has ended",
    description: """
      Sends a custom event that ends the event with this id. --namespace and --type must be those of the
      start. The outcome is success, unless --error or --outcome says otherwise.
      """,
    declarations: EventSettings.end,
    examples: [
      ("Report success", "vsperf event end --event-id $id"),
      ("Report failure", "vsperf event end --event-id $id --error --tag \"step|migration\""),
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
    words: ["event", "annotate"], summary: "add tags, references or a span event to it",
    description: """
      Adds tags, references or a span event to an event, without starting or ending it.
      """,
    declarations: EventSettings.annotate,
    examples: [("Record an approval", "vsperf event annotate --event-id $id --moment approval --tag \"approver|tal\"")],
    run: { settings in
      var event = try CustomEvent(.annotate, id: id(in: settings, of: "annotate"), time: SystemClock().now(), settings)
      event.spanEvent = try settings.value(of: EventSettings.spanEvent)
      try await send(event, settings)
    })

  /// Returns a new unique id.
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
