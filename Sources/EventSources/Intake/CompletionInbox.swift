import Synchronization
import ValueStreamCore

/// Results that other threads post for suspended requests; posting wakes the server's thread.
final class CompletionInbox: Sendable {
  /// Identifies a suspended request. The generation tells apart requests that use the same slot one after another.
  struct Token: Sendable, Hashable {
    var slot: Int
    var generation: UInt
  }

  struct Completion: Sendable {
    enum Result: Sendable {
      case recording(RecordingOutcome)
      case response(HTTPResponse)
      /// The outcome of authenticating and parsing a large delivery.
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

  /// Adds results and wakes the server's thread. Any thread may call this.
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
