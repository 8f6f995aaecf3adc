import FoundationEssentials
import Intake
import ValueStreamCore

/// A file that says where vsd listens, for scripts that start it: it is there as long as vsd listens.
struct ListeningFile: Sendable {
  private let path: String

  /// Writes it in one step, so that nobody reads half of it.
  ///
  /// - Throws: ``StoreError`` when it cannot be written.
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
