import Dispatch
import Glibc

/// Calls back once for SIGINT or SIGTERM, instead of the process being ended.
struct TerminationSignals {
  private let sources: [any DispatchSourceSignal]

  /// Returns when signals are listened to: one that comes from then on is not lost.
  init(_ onSignal: @escaping @Sendable () -> Void) async {
    // A peer that went away shows as an error of the write.
    signal(SIGPIPE, SIG_IGN)
    sources = [SIGINT, SIGTERM].map { DispatchSource.makeSignalSource(signal: $0) }
    for source in sources {
      source.setEventHandler(handler: onSignal)
      await withCheckedContinuation { continuation in
        source.setRegistrationHandler { continuation.resume() }
        source.resume()
      }
    }
  }

  func cancel() {
    for source in sources { source.cancel() }
  }
}
