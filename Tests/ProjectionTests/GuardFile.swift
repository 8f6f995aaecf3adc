import Foundation
import PoisonGuard

/// The file of a poison guard in a temporary directory, which is removed with it.
final class GuardFile: Sendable {
  let directory: String
  private var path: String { "\(directory)/\(PoisonGuard.fileName)" }

  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("valuestream-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    directory = url.path
  }

  deinit {
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// The bytes as a crash of the process leaves them: a signal handler adds the signal to the marks of the running steps.
  func afterCrash() throws -> [UInt8] {
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for mark in 0..<32 where bytes[mark * 64] == 1 { bytes[mark * 64 + 1] = 6 }
    return bytes
  }

  func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }
}
