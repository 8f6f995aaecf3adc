import FoundationEssentials

/// Access to the process environment and files from which ``Settings`` are read.
package enum Environment {
  package static var variables: [String: String] { ProcessInfo.processInfo.environment }

  /// The number of active processors, at least 1.
  package static var processors: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }

  /// The content of a file; nil if it cannot be read.
  package static func readFile(_ path: String) -> [UInt8]? {
    (try? Data(contentsOf: URL(filePath: path))).map(Array.init)
  }
}
