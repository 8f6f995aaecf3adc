import CEventLoop

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Wakes a thread that waits for work. Its descriptor can be polled together with sockets.
final class Signal: Sendable {
  let descriptor: Int32

  /// Opens an eventfd.
  ///
  /// - Parameter counts: true if each ``notify()`` wakes one waiter. Otherwise, pending notifications collapse into one.
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

  /// Blocks until there is a signal, and consumes it. Does not block while the descriptor is readable.
  func wait() {
    vs_event_take(descriptor)
  }
}
