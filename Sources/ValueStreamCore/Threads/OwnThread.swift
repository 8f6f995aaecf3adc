#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Runs blocking work on a new thread, to keep it off Swift's shared pool of task threads.
package enum OwnThread {
  private final class Work {
    let body: @Sendable () -> Void

    init(body: @escaping @Sendable () -> Void) {
      self.body = body
    }
  }

  /// Runs `body` on a new, detached thread.
  ///
  /// - Returns: False if the system cannot create a thread; `body` does not run then.
  package static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
    let work = Unmanaged.passRetained(Work(body: body))
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let result = pthread_create(
      &thread, nil,
      { argument in
        let pointer: UnsafeMutableRawPointer? = argument
        if let pointer { Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().body() }
        return nil
      }, work.toOpaque())
    guard result == 0 else {
      work.release()
      return false
    }
    #if canImport(Darwin)
      if let thread { pthread_detach(thread) }
    #else
      pthread_detach(thread)
    #endif
    return true
  }

  /// Runs `body` on a new thread and suspends the caller until it returns.
  ///
  /// - Throws: What `body` throws, or ``NoThread``.
  package static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
      let isStarted = start { continuation.resume(with: Result(catching: body)) }
      if !isStarted { continuation.resume(throwing: NoThread()) }
    }
  }

  /// The system cannot create a thread, because a limit on processes or memory is reached.
  package struct NoThread: Error, Sendable, CustomStringConvertible {
    package init() {}

    package var description: String { "the system gives no thread; look at its limits on processes and memory" }
  }
}
