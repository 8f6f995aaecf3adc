import FoundationEssentials

/// The process's surroundings.
enum Environment {
  static var variables: [String: String] { ProcessInfo.processInfo.environment }

  /// The content of a file; nil when it cannot be read.
  static func readFile(_ path: String) -> [UInt8]? {
    (try? Data(contentsOf: URL(filePath: path))).map(Array.init)
  }
}
