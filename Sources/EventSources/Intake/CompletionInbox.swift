import Synchronization
import ValueStreamCore

/// Where other threads leave what they have done for requests that wait; wakes the server's thread.
final class CompletionInbox: Sendable {
  /// Names a waiting request; a number is not used twice for different requests.
  struct Token: Sendable, Hashable {
    var slot: Int
    var generation: UInt
  }

  struct Completion: Sendable {
    enum Result: Sendable {
      case recording(RecordingOutcome)
      case response(HTTPResponse)
      /// What was found out about a large delivery.
      case read(Swift.Result<WebhookIntake.Decision, RequestBody.Failure>)
    }

    var token: Token
    var result: Result
  }

  let signal: Signal
  private let completions = Mutex<[Completion]>([])

  init() throws(IntakeError) {
    signal = try Signal()
  }

  func post(_ new: [Completion]) {
    let isFirst = completions.withLock { completions in
      defer { completions += new }
      return completions.isEmpty
    }
    if isFirst { signal.notify() }
  }

  func takeAll() -> [Completion] {
    completions.withLock { completions in
      defer { completions = [] }
      return completions
    }
  }
}
