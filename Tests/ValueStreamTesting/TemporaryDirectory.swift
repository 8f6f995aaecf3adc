import Foundation

/// A temporary directory for one test. It is removed when the last reference goes away.
package final class TemporaryDirectory: Sendable {
  package let path: String

  package init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("valuestream-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  package func file(_ name: String) -> String { "\(path)/\(name)" }

  /// The sorted names of the entries in a subdirectory.
  package func files(in directory: String = "store") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: file(directory)).sorted()
  }

  package func mode(of name: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: file(name))
    return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
  }

  /// Copies the files as a crash would leave them, without SQLite's shared-memory files.
  package func copy(_ source: String = "store", to target: String) throws {
    try FileManager.default.copyItem(atPath: file(source), toPath: file(target))
    for name in try files(in: target) where name.hasSuffix("-shm") {
      try FileManager.default.removeItem(atPath: file("\(target)/\(name)"))
    }
  }
}
