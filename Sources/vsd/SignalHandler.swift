import Dispatch
import Glibc

/// Calls a function on signals that would end the process.
struct SignalHandler {
  private let sources: [any DispatchSourceSignal]

  /// Starts to listen for the signals. Once this returns, no signal is lost.
  init(_ signals: [Int32], _ onSignal: @escaping @Sendable () -> Void) async {
    // With SIGPIPE ignored, writing to a closed connection fails with an error instead of ending the process.
    signal(SIGPIPE, SIG_IGN)
    sources = signals.map { DispatchSource.makeSignalSource(signal: $0) }
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
