import FoundationEssentials
import Glibc

/// The process's surroundings.
enum Environment {
  static var variables: [String: String] { ProcessInfo.processInfo.environment }

  /// The content of a file; nil when it cannot be read.
  static func readFile(_ path: String) -> [UInt8]? {
    (try? Data(contentsOf: URL(filePath: path))).map(Array.init)
  }
}

/// What is for people stands there, whatever becomes of standard output.
enum StandardError {
  static func write(_ text: String) {
    _ = text.utf8.withContiguousStorageIfAvailable { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
