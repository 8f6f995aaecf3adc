import CEventLoop
import ValueStreamCore

extension OwnThread {
  /// Runs `body` on a new thread that tools show under a name of at most 15 bytes.
  ///
  /// - Returns: false when the system gives no thread.
  static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    start {
      vs_thread_set_name(name)
      body()
    }
  }

  /// The same for an asynchronous caller: returns when `body` did.
  static func run(_ name: String, _ body: @escaping @Sendable () throws -> Void) async throws {
    try await run {
      vs_thread_set_name(name)
      try body()
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
