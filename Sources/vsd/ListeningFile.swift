import FoundationEssentials
import Intake
import ValueStreamCore

/// A file with the addresses that vsd listens on, for scripts that start vsd. It exists while vsd listens.
struct ListeningFile: Sendable {
  private let path: String

  /// Writes the file atomically, so that no reader sees a part of it.
  ///
  /// - Throws: ``StoreError`` if the file cannot be written.
  init(_ path: String, _ addresses: [ListenAddress]) throws {
    self.path = path
    let text = addresses.map { "\($0)\n" }.joined()
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw StoreError(.inputOutput, "cannot write the addresses to \(path): \(error)")
    }
  }

  func remove() {
    try? FileManager.default.removeItem(atPath: path)
  }
}
