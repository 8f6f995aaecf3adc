import Synchronization
import ValueStreamCore

/// Reads secrets again from their files, and from the configuration file.
///
/// A file that is broken keeps its old content in use, and does not hold up the others.
final class SecretReload: Sendable {
  typealias Parse = @Sendable (_ readFile: (String) -> [UInt8]?) throws -> DaemonSecrets

  private struct State {
    var secrets: DaemonSecrets
    /// The files that the secrets were read from, with the content in use.
    var files: [String: [UInt8]]
  }

  private let state: Mutex<State>
  private let parse: Parse
  private let readFile: @Sendable (String) -> [UInt8]?

  /// - Parameter files: all files that were read at start, with their content.
  init(files: [String: [UInt8]], readFile: @escaping @Sendable (String) -> [UInt8]?, parse: @escaping Parse) throws {
    self.parse = parse
    self.readFile = readFile
    var used: [String: [UInt8]] = [:]
    let secrets = try parse { path in
      used[path] = files[path]
      return files[path]
    }
    state = Mutex(State(secrets: secrets, files: used))
  }

  /// The secrets in use.
  var secrets: DaemonSecrets { state.withLock { $0.secrets } }

  /// Reads all files again.
  ///
  /// - Returns: the secrets to use, the files that changed, and why the others that changed cannot be used.
  func reload() -> (secrets: DaemonSecrets, changed: [String], refused: [(path: String, reason: String)]) {
    state.withLock { state in
      var changed: [String] = []
      var refused: [(path: String, reason: String)] = []
      for path in state.files.keys.sorted() {
        let content = readFile(path)
        if let content, content == state.files[path] { continue }
        do {
          try use(content, of: path, in: &state)
          changed.append(path)
        } catch {
          refused.append((path, "\(error)"))
        }
      }
      return (state.secrets, changed, refused)
    }
  }

  /// Uses another content of one file. Reads the files that are new to it, such as those that a changed configuration names.
  private func use(_ content: [UInt8]?, of path: String, in state: inout State) throws {
    var files = state.files
    files[path] = content
    let secrets = try parse { name in
      if name == path || files[name] != nil { return files[name] }
      files[name] = readFile(name)
      return files[name]
    }
    guard secrets.protectsSame(as: state.secrets) else {
      throw SettingsError("a secret was added or removed: restart vsd for that")
    }
    state = State(secrets: secrets, files: files)
  }
}

extension SecretReload {
  /// Prepares to read again the secrets that these arguments and variables name.
  ///
  /// - Parameter files: all files that were read at start, with their content.
  convenience init(arguments: [String], environment: [String: String], files: [String: [UInt8]]) throws {
    try self.init(files: files, readFile: Environment.readFile) { readFile in
      let settings = try Settings(
        declared: DaemonSettings.declarations, arguments: arguments, environment: environment,
        fileSetting: DaemonSettings.config.declaration.name, readFile: readFile)
      return try DaemonSecrets(settings, environment: environment, readFile: readFile)
    }
  }

  /// Reads all files again, puts the secrets in use, and logs what came of it.
  func reload(into current: CurrentSecrets, _ logger: Logger) {
    let (secrets, changed, refused) = reload()
    current.replace(by: secrets)
    for path in changed { logger.info("uses the secrets of the changed file \(path)") }
    for (path, reason) in refused { logger.error("goes on with what \(path) said before: \(reason)") }
    if changed.isEmpty, refused.isEmpty { logger.info("read the secrets again: none has changed") }
  }
}
