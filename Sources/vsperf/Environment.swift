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

enum StandardInput {
  /// Everything that is piped in; nil when it cannot be read.
  static func read() -> [UInt8]? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = buffer.withUnsafeMutableBytes { Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count) }
      if count > 0 {
        bytes += buffer[..<count]
      } else if count == 0 {
        return bytes
      } else if errno != EINTR {
        return nil
      }
    }
  }
}

/// What is for people stands there, whatever becomes of standard output.
enum StandardError {
  static func write(_ text: String) {
    _ = text.utf8.withContiguousStorageIfAvailable { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
