import Foundation

/// A directory of its own for a test, removed with the last reference to it.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("valuestream-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Names of all files in it and below it.
  func files(in directory: String = "store") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: file(directory)).sorted()
  }

  func mode(of name: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: file(name))
    return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
  }

  /// What a crash would leave: the files as they are now, locks and caches not.
  func copy(_ source: String = "store", to target: String) throws {
    try FileManager.default.copyItem(atPath: file(source), toPath: file(target))
    for name in try files(in: target) where name.hasSuffix("-shm") {
      try FileManager.default.removeItem(atPath: file("\(target)/\(name)"))
    }
  }
}
