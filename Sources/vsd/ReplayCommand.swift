import Export
import Glibc
import ProgramOutput
import Projection
import Replay
import ValueStreamCore

/// `vsd replay`: projects the log again and prints the differences. `vsd replay apply` also puts the result in place.
struct ReplayCommand {
  static let name = "replay"
  /// The word after the command that replaces the current projection with the new one.
  static let application = "apply"

  private let place: CommandStore.Place
  private let settings: DaemonSettings
  private let isApplied: Bool

  /// The stored value that identifies the program and settings that made the projection.
  private static let mapping = "replay.mapping"

  /// Prepares the command.
  ///
  /// - Parameter words: the words after `replay`.
  /// - Throws: ``SettingsError`` if a word is unknown, or the store is in memory.
  init(_ words: [String], _ settings: DaemonSettings) throws(SettingsError) {
    isApplied = try settings.isChanging(words, command: Self.name, change: Self.application)
    place = try settings.commandStore(for: Self.name)
    self.settings = settings
  }

  func run() throws {
    let store = try CommandStore(place, isChanging: isApplied, command: Self.name)
    defer { store.close() }
    let (log, first) = (store.log, store.spans)
    // Finds damaged deliveries. Only the current projection knows data that the log has lost, so the replay copies that.
    try log.examine()
    let second = try openSecond(of: store)
    defer { second.close() }
    var replay = try Replay(
      of: log, first: first, second: second.store, sources: settings.readers, seriesLimit: settings.seriesLimit,
      spanRetention: settings.spanRetention, exporters: settings.destinations.map(\.exporter.name),
      exportsImported: settings.exportsImported, clock: SystemClock())
    let start = ContinuousClock.now
    let count = try replay.run { read, total in showProgress(read, total) }
    let seconds = (start.duration(to: .now).inSeconds * 10).rounded() / 10
    let line = "replayed \(count) deliveries in \(seconds) s"
    StandardStream.error.write("\(StandardStream.error.isTerminal ? "\r" : "")\(line)\n")
    StandardStream.output.write(try replay.comparison().text)
    try replay.computeFacts(strategy: settings.traceStrategy, rules: settings.factRules) { showComputed($0) }
    guard isApplied else { return }
    try replay.keepBookkeeping()
    try replay.carryOverFacts()
    try replay.carryOverExclusions()
    let former = try store.replace(by: second, logBeginning: try Replay.beginning(of: log, seenBy: first))
    StandardStream.error.write("the new projection is in place; the one before is kept as \(former)\n")
  }

  private func showProgress(_ read: Int, _ total: Int) {
    guard StandardStream.error.isTerminal, total > 0 else { return }
    StandardStream.error.write("\rreplayed \(read) of \(total) deliveries (\(read * 100 / total) %)")
  }

  private func showComputed(_ subjects: Int) {
    guard StandardStream.error.isTerminal else { return }
    StandardStream.error.write("\rcomputed the facts of \(subjects) subjects")
  }

  /// Opens the projection of an earlier replay if it has the same mapping and can continue; otherwise creates an empty
  /// one.
  private func openSecond(of store: CommandStore) throws -> CommandStore.Second {
    let beginning = try store.spans.values()[ProjectionBatches.logBeginning] ?? []
    let mapping = Self.programIdentity + settings.classification.map { Array("\n\($0)".utf8) }.joined() + [0x0A] + beginning
    do {
      let kept = try store.openSecond()
      if try kept.store.values()[Self.mapping] == mapping, try Self.isContinued(kept.store, by: store.log) { return kept }
      kept.close()
    } catch let error as StoreError where error.code != .busy {
      // It cannot be used. It is created anew below.
    }
    try store.removeSecond()
    let empty = try store.openSecond()
    var changes = ProjectionChanges()
    changes.values[Self.mapping] = mapping
    try empty.store.write(changes)
    return empty
  }

  /// False if the log may have removed deliveries that the projection has not read.
  private static func isContinued(_ projection: any SpanStore, by log: any DeliveryLog) throws -> Bool {
    guard let ends = try projection.position()?.ends else { return true }
    return try ends.allSatisfy { try log.delivery(at: $0) != nil }
  }

  /// The version, with the size and time of the executable to tell apart builds of one version.
  private static var programIdentity: [UInt8] {
    var status = stat()
    _ = stat("/proc/self/exe", &status)
    return Array("\(ValueStreamVersion.current) \(status.st_size) \(status.st_mtim.tv_sec)".utf8)
  }
}

/// Argument checks for `vsd check` and `vsd replay`. Both read a store on disk, and change it if a second word asks for
/// that.
extension DaemonSettings {
  /// True if the words after a command ask it to change the store.
  ///
  /// - Throws: ``SettingsError`` for any other word.
  func isChanging(_ words: [String], command: String, change: String) throws(SettingsError) -> Bool {
    guard words.isEmpty || words == [change] else {
      throw SettingsError("unexpected argument \"\(words[0])\"; there is vsd \(command), and vsd \(command) \(change)")
    }
    return !words.isEmpty
  }

  /// Returns the directory of the store.
  ///
  /// - Throws: ``SettingsError`` if the store is in memory.
  func storeDirectory(for command: String) throws(SettingsError) -> String {
    guard case .directory(let directory) = store else {
      throw SettingsError("\(command) needs a store on disk: --store=DIRECTORY")
    }
    return directory
  }
}
