import Glibc
import Pipeline
import SQLiteStore
import ValueStreamCore

/// `vsd replay`: what would today's mapping make of the deliveries that are kept, and, if wanted, let it.
struct ReplayCommand {
  static let name = "replay"
  /// The word after it that puts the second projection in the place of the first.
  static let application = "apply"

  private let directory: String
  private let settings: DaemonSettings
  private let isApplied: Bool

  /// The second projection, until it takes the place of the first or another replay begins.
  private static let fileName = "spans-replay.sqlite"
  /// The value that says by which mapping it was made.
  private static let mapping = "replay.mapping"

  /// - Parameter words: what follows `replay`.
  init(_ words: [String], _ settings: DaemonSettings) throws(SettingsError) {
    isApplied = try settings.isChanging(words, command: Self.name, change: Self.application)
    directory = try settings.storeDirectory(for: Self.name)
    self.settings = settings
  }

  func run() throws {
    let log = isApplied ? try SQLiteDeliveryLog(directory: directory) : try SQLiteDeliveryLog(reading: directory)
    defer { log.close() }
    let first = isApplied ? try SQLiteSpanStore(directory: directory) : try SQLiteSpanStore(reading: directory)
    defer { first.close() }
    // What the log has lost is known from the first projection only, and is carried over.
    try log.examine()
    let second = try openSecond(of: log, beside: first)
    defer { second.close() }
    var replay = try Replay(
      of: log, first: first, second: second, sources: settings.sources, seriesLimit: settings.seriesLimit,
      spanRetention: settings.spanRetention, exporters: settings.destinations.map(\.exporter.name), clock: SystemClock())
    let start = ContinuousClock.now
    let count = try replay.run { read, total in showProgress(read, total) }
    let seconds = (start.duration(to: .now).inSeconds * 10).rounded() / 10
    let line = "replayed \(count) deliveries in \(seconds) s"
    StandardStream.error.write("\(StandardStream.error.isTerminal ? "\r" : "")\(line)\n")
    StandardStream.output.write(try replay.comparison().text)
    guard isApplied else { return }
    try replay.keepBookkeeping()
    try first.replace(by: second, logBeginning: try Replay.beginning(of: log, seenBy: first))
    StandardStream.error.write(
      "the new projection is in place; the one before is kept as \(directory)/\(SQLiteSpanStore.replacedFileName)\n")
  }

  private func showProgress(_ read: Int, _ total: Int) {
    guard StandardStream.error.isTerminal, total > 0 else { return }
    StandardStream.error.write("\rreplayed \(read) of \(total) deliveries (\(read * 100 / total) %)")
  }

  /// What an earlier replay has made by the same mapping, if it can go on from there, or an empty one.
  private func openSecond(of log: SQLiteDeliveryLog, beside first: SQLiteSpanStore) throws -> SQLiteSpanStore {
    var options = SQLiteSpanStore.Options()
    options.fileName = Self.fileName
    let beginning = try first.values()[ProjectionBatches.logBeginning] ?? []
    let mapping = Self.programIdentity + settings.classification.map { Array("\n\($0)".utf8) }.joined() + [0x0A] + beginning
    do {
      let kept = try SQLiteSpanStore(directory: directory, options: options)
      if try kept.values()[Self.mapping] == mapping, try Self.isContinued(kept, by: log) { return kept }
      kept.close()
    } catch let error as StoreError where error.code != .busy {
      // Whatever is wrong with it, it is made anew.
    }
    try SQLiteSpanStore.remove(Self.fileName, in: directory)
    let empty = try SQLiteSpanStore(directory: directory, options: options)
    var changes = ProjectionChanges()
    changes.values[Self.mapping] = mapping
    try empty.write(changes)
    return empty
  }

  /// False where deliveries may have been removed from the log that the projection has not seen.
  private static func isContinued(_ projection: SQLiteSpanStore, by log: SQLiteDeliveryLog) throws -> Bool {
    guard let position = try projection.position() else { return true }
    return try log.delivery(at: position) != nil
  }

  /// Version, and what tells builds of one version apart.
  private static var programIdentity: [UInt8] {
    var status = stat()
    _ = stat("/proc/self/exe", &status)
    return Array("\(ValueStreamVersion.current) \(status.st_size) \(status.st_mtim.tv_sec)".utf8)
  }
}

/// What `vsd check` and `vsd replay` have in common: each looks at a store on disk, and changes it after one more word.
extension DaemonSettings {
  /// Whether the words after a command ask it to change the store.
  ///
  /// - Throws: ``SettingsError`` for any other word.
  func isChanging(_ words: [String], command: String, change: String) throws(SettingsError) -> Bool {
    guard words.isEmpty || words == [change] else {
      throw SettingsError("unexpected argument \"\(words[0])\"; there is vsd \(command), and vsd \(command) \(change)")
    }
    return !words.isEmpty
  }

  /// - Throws: ``SettingsError`` where the store is in memory.
  func storeDirectory(for command: String) throws(SettingsError) -> String {
    guard case .directory(let directory) = store else {
      throw SettingsError("\(command) needs a store on disk: --store=DIRECTORY")
    }
    return directory
  }
}
