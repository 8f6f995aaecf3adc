import FoundationEssentials
import ProgramOutput
import ValueStreamCore

enum Folder {
  /// Returns the sorted paths of all files with one of these suffixes in a folder and its subfolders.
  static func files(in directory: String, endingIn suffixes: [String]) throws(CommandError) -> [String] {
    guard let all = try? FileManager.default.subpathsOfDirectory(atPath: directory) else {
      throw CommandError("cannot read the folder \(directory)", ExitCode.noInput)
    }
    let found = all.filter { path in suffixes.contains { path.hasSuffix($0) } }.sorted()
    if found.isEmpty {
      throw CommandError("there is no \(suffixes.joined(separator: " or ")) file in \(directory)", ExitCode.noInput)
    }
    return found.map { "\(directory.hasSuffix("/") ? String(directory.dropLast()) : directory)/\($0)" }
  }

  static func isThere(_ path: String) -> Bool {
    var isDirectory = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory
  }
}
