import CEventLoop

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Wakes a thread that waits for work; may be polled together with sockets.
final class Signal: Sendable {
  let descriptor: Int32

  /// - Parameter counts: every ``notify()`` wakes one waiter; else any number of them is one.
  init(counts: Bool = false) throws(IntakeError) {
    descriptor = vs_event_open(counts ? 1 : 0)
    if descriptor < 0 { throw IntakeError("no descriptor for a signal: \(String(cString: strerror(errno)))") }
  }

  deinit {
    close(descriptor)
  }

  func notify() {
    vs_event_signal(descriptor)
  }

  /// Blocks until there is a signal, and takes it. Does not block when the descriptor is readable.
  func wait() {
    vs_event_take(descriptor)
  }
}
