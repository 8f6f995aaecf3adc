import FoundationEssentials

/// The surroundings of the process, where ``Settings`` come from.
package enum Environment {
  package static var variables: [String: String] { ProcessInfo.processInfo.environment }

  /// How many threads can run at once.
  package static var processors: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }

  /// The content of a file; nil when it cannot be read.
  package static func readFile(_ path: String) -> [UInt8]? {
    (try? Data(contentsOf: URL(filePath: path))).map(Array.init)
  }
}
