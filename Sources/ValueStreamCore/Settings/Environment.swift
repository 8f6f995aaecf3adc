import FoundationEssentials

/// The surroundings of the process, where ``Settings`` come from.
package enum Environment {
  package static var variables: [String: String] { ProcessInfo.processInfo.environment }

  /// The content of a file; nil when it cannot be read.
  package static func readFile(_ path: String) -> [UInt8]? {
    (try? Data(contentsOf: URL(filePath: path))).map(Array.init)
  }
}
