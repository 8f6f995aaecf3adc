import Synchronization
package import ValueStreamCore

/// Keeps log lines in memory.
package final class KeptLog: Sendable {
  private let kept = Mutex<[String]>([])

  package init() {}

  package var lines: [String] { kept.withLock { $0 } }

  package var logger: Logger { Logger { line in self.kept.withLock { $0.append(String(decoding: line, as: UTF8.self)) } } }
}
