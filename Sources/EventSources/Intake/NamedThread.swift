import CEventLoop
import ValueStreamCore

extension OwnThread {
  /// Runs `body` on a new thread.
  ///
  /// - Parameter name: the name that tools such as `top` show; at most 15 bytes.
  /// - Returns: false if the system provides no thread.
  static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    start {
      vs_thread_set_name(name)
      body()
    }
  }

  /// Runs `body` on a new named thread, and returns or throws when `body` does.
  static func run(_ name: String, _ body: @escaping @Sendable () throws -> Void) async throws {
    try await run {
      vs_thread_set_name(name)
      try body()
    }
  }
}

/// An error of the system or a library when the server starts.
package struct IntakeError: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String

  init(_ description: String) {
    self.description = description
  }
}
