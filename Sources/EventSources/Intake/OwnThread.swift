import CEventLoop

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A thread for work that blocks, which must stay off the cooperative pool.
enum OwnThread {
  private final class Work {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Runs `body` on a new thread.
  ///
  /// - Returns: false when the system gives no thread.
  static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    let work = Unmanaged.passRetained(Work(name: name, body: body))
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { argument in
        if let argument {
          let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
          vs_thread_set_name(work.name)
          work.body()
        }
        return nil
      }, work.toOpaque())
    guard result == 0 else {
      work.release()
      return false
    }
    pthread_detach(thread)
    return true
  }

  /// The same, for an asynchronous caller: returns when `body` did.
  static func run(_ name: String, _ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      let isStarted = start(name) { continuation.resume(with: Result(catching: body)) }
      if !isStarted { continuation.resume(throwing: IntakeError("the system gives no thread for \(name)")) }
    }
  }
}

/// Something the system refused at start.
package struct IntakeError: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String

  init(_ description: String) {
    self.description = description
  }
}
