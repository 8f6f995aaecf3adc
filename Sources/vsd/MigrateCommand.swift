import Leadership
import PostgresStore
import ProgramOutput
import Replay
import SQLiteStore
import ValueStreamCore

/// `vsd migrate-store FROM TO`: copies a store into another one, from a directory to a database or back.
struct MigrateCommand {
  static let name = "migrate-store"

  private let from: DaemonSettings.Store
  private let to: DaemonSettings.Store
  private let settings: DaemonSettings

  /// An open store, with what keeps others away from it.
  private struct Open {
    let place: StoreMigration.Place
    let lease: HeldLease?

    func close() {
      lease?.release()
      place.store.close()
      place.log.close()
    }
  }

  /// - Parameter words: the words after the name of the command.
  /// - Throws: ``SettingsError`` if they do not name two stores.
  init(_ words: [String], _ settings: DaemonSettings) throws(SettingsError) {
    guard words.count == 2 else { throw SettingsError("\(Self.name) needs two stores: vsd \(Self.name) FROM TO") }
    from = try Self.store(words[0])
    to = try Self.store(words[1])
    if from == to { throw SettingsError("\(Self.name): both stores are the same") }
    self.settings = settings
  }

  private static func store(_ text: String) throws(SettingsError) -> DaemonSettings.Store {
    do throws(SettingError) {
      let store = try DaemonSettings.Store(parsing: text)
      if store == .memory { throw SettingError(expected: "a store that lasts") }
      return store
    } catch {
      throw SettingsError("\(name): \(error.isTextHidden ? "the address" : text) is not \(error.expected)")
    }
  }

  func run() throws {
    let from = try open(self.from, isNew: false)
    defer { from.close() }
    let to = try open(self.to, isNew: true)
    defer { to.close() }
    if try StoreMigration.isUnfinished(from.place.store) {
      throw StoreError(.rejected, "\(self.from) is itself the unfinished copy of another store")
    }
    var migration = StoreMigration(from: from.place, to: to.place) { showProgress($0, $1) }
    let copied = try migration.run(
      sources: settings.readers, seriesLimit: settings.seriesLimit, strategy: settings.traceStrategy, rules: settings.factRules,
      clock: SystemClock())
    let end = StandardStream.error.isTerminal ? "\r" : ""
    StandardStream.error.write(
      "\(end)copied \(copied.deliveries) deliveries and compared them, and \(copied.subjects) subjects with their spans and facts\n"
    )
  }

  private func open(_ store: DaemonSettings.Store, isNew: Bool) throws -> Open {
    switch store {
    case .memory: return Open(place: .init(log: MemoryDeliveryLog(), store: MemorySpanStore()), lease: nil)
    case .directory(let path):
      // Opening to write would create it.
      if !isNew { try SQLiteSpanStore(reading: path).close() }
      let log = try SQLiteDeliveryLog(directory: path)
      return Open(place: .init(log: log, store: try SQLiteSpanStore(directory: path)), lease: nil)
    case .postgres(let address):
      let log = try PostgresDeliveryLog(copyingInto: PostgresPool(address))
      let lease = PostgresLease(PostgresPool(address), holder: "vsd \(Self.name)")
      let spans = PostgresSpanStore(PostgresPool(address), lease: lease)
      let held = try HeldLease(lease)
      try spans.prepareToLead()
      return Open(place: .init(log: log, store: spans), lease: held)
    }
  }

  private func showProgress(_ step: StoreMigration.Step, _ count: Int) {
    guard StandardStream.error.isTerminal else { return }
    let what =
      switch step {
      case .deliveries: "copied \(count) deliveries"
      case .comparison: "compared \(count) deliveries"
      case .subjects: "copied \(count) subjects"
      case .facts: "computed the facts of \(count) subjects"
      }
    StandardStream.error.write("\r\(what)        ")
  }
}
