import CustomHTTP
import IntakeClient
import ProgramOutput
import ReportClient
import ValueStreamCore

extension Command {
  static let eventRun = Command(
    words: ["event", "run"], summary: "run a command and report its start and end",
    description: """
      Runs COMMAND with its input, output and signals, and exits with its exit code. Reports the start and
      the end to vsd: success for exit code 0, cancellation for an interrupt, failure for anything else.
      COMMAND finds a traceparent in TRACEPARENT, so that its own spans join the trace of the deploy, as vsd
      has it with --trace-strategy=linked. A vsd that is away does not fail COMMAND: a line on standard error
      says what was not recorded.
      """,
    declarations: EventSettings.start, operands: "-- COMMAND [ARGUMENT ...]",
    examples: [
      (
        "A deploy to production",
        "vsperf event run --namespace acme/site --environment production --tag \"team|web\" -- ./deploy.sh --all"
      ),
      ("A backup every night", "vsperf event run --type backup --namespace shop -- pg_dump --file shop.sql shop"),
    ],
    run: { try await EventRun($0).run(environment: Environment.variables) })
}

/// Implements `vsperf event run`.
struct EventRun: Sendable {
  private let words: [String]
  private let event: CustomEvent
  private let sender: EventSender
  private let clock = SystemClock()

  init(_ settings: Settings) throws {
    words = Array(settings.operands.dropFirst(2))
    guard !words.isEmpty else { throw UsageError("which command? -- COMMAND", seeing: ["event", "run"]) }
    let id = try settings.value(of: EventSettings.chosenID) ?? Command.newEventID()
    event = try CustomEvent(.start, id: id, time: clock.now(), settings)
    sender = try EventSender(settings)
  }

  func run(environment: [String: String]) async throws {
    var environment = environment
    environment["TRACEPARENT"] = TraceparentSubject.key(event.key, attempt: 1).computed
    let child: ChildCommand
    do {
      child = try ChildCommand(words, environment: environment)
    } catch {
      // A command that cannot be started counts as failed.
      await tellEnd(.status(error.exitCode), isStartTold: false)
      throw error
    }
    // Sends the start while the command runs, so that a slow vsd does not delay it. One try is enough: the end event
    // contains the start too.
    let (exit, isStartTold) = try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [event, sender] in try await sender.send(event, isRepeated: false) }
      return (try await child.wait(), (try? await group.next()) != nil)
    }
    await tellEnd(exit, isStartTold: isStartTold)
    if exit.code != 0 { throw ExitStatus(code: exit.code) }
  }

  private func tellEnd(_ exit: ChildCommand.Exit, isStartTold: Bool) async {
    do {
      try await sender.send(end(exit))
    } catch {
      warn("\(error)", exit, isStartTold: isStartTold)
    }
  }

  private func end(_ exit: ChildCommand.Exit) -> CustomEvent {
    var end = event
    end.action = .end
    end.startedAt = event.time
    end.time = clock.now()
    end.outcome = Self.outcome(of: exit)
    end.attributes = [Attribute("process.exit.code", .int(Int64(exit.code)))]
    return end
  }

  private static func outcome(of exit: ChildCommand.Exit) -> Outcome {
    switch exit {
    case .status(0): .success
    // A shell that is interrupted by a signal exits with 128 plus its number.
    case .signal(2), .signal(15), .status(130), .status(143): .cancellation
    default: .failure
    }
  }

  private func warn(_ reason: String, _ exit: ChildCommand.Exit, isStartTold: Bool) {
    let outcome = Self.outcome(of: exit).rawValue
    let what =
      isStartTold
      ? "the end (\(outcome)) of \(event.type) \(event.id) was not recorded, it stays open"
      : "\(event.type) \(event.id) (\(outcome)) was not recorded"
    StandardStream.error.write("\(Program.name): \(what): \(reason)\n")
  }
}
