import ProgramOutput
import SQLiteStore
import ValueStreamCore

/// `vsd backup TARGET`: copies the store into a new directory. vsd can run meanwhile.
struct BackupCommand {
  static let name = "backup"

  private let directory: String
  private let target: String

  /// - Parameter words: the words after the name of the command.
  /// - Throws: ``SettingsError`` if they do not name a directory, or the store is not a directory.
  init(_ words: [String], _ settings: DaemonSettings) throws(SettingsError) {
    guard words.count == 1, let target = words.first, !target.isEmpty else {
      throw SettingsError("\(Self.name) needs a new directory: vsd \(Self.name) TARGET")
    }
    directory = try settings.storeDirectory(for: Self.name)
    var text = target[...]
    while text.count > 1, text.hasSuffix("/") { text.removeLast() }
    self.target = String(text)
  }

  func run() throws {
    let bytes = try SQLiteBackup.copy(directory, to: target) { file in
      if StandardStream.error.isTerminal { StandardStream.error.write("\rcopies \(file)        ") }
    }
    let end = StandardStream.error.isTerminal ? "\r" : ""
    StandardStream.error.write("\(end)copied \((bytes + (1 << 20) - 1) >> 20) MiB into \(target)\n")
  }
}
