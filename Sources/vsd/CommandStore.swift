import Leadership
import PostgresStore
import SQLiteStore
import ValueStreamCore

/// A log that a command can examine.
protocol ExaminableLog: DeliveryLog {
  /// Reads every delivery, so that all damage goes to the damage report.
  func examine() throws
  /// Accepts the losses that ``examine()`` has found, so that they are not reported again.
  func acceptLosses() throws
}

/// A projection that a command can examine.
protocol ExaminableStore: SpanStore, FactStore {
  /// Reads every record, so that all damage goes to the damage report.
  func examine() throws
  /// Removes damaged records that a replay does not restore.
  func removeDamaged() throws
}

extension SQLiteDeliveryLog: ExaminableLog {}
extension SQLiteSpanStore: ExaminableStore {}
extension PostgresDeliveryLog: ExaminableLog {}
extension PostgresSpanStore: ExaminableStore {}

/// A store that a command reads beside vsd, or changes while no vsd leads on it.
struct CommandStore {
  /// Where a command can open a store.
  enum Place {
    case directory(String)
    case postgres(PostgresAddress)
  }

  private enum Opened {
    case sqlite(String, SQLiteSpanStore)
    case postgres(PostgresAddress, PostgresSpanStore, HeldLease?)
  }

  let log: any ExaminableLog
  private let opened: Opened

  var spans: any ExaminableStore {
    switch opened {
    case .sqlite(_, let store): store
    case .postgres(_, let store, _): store
    }
  }

  /// - Parameters:
  ///   - isChanging: False to read only.
  ///   - command: The name of the command, for others who want to lead meanwhile.
  /// - Throws: ``StoreError``. `busy` if vsd uses the store that the command wants to change.
  init(_ place: Place, isChanging: Bool, command: String, damage: DamageReport = DamageReport()) throws {
    switch place {
    case .directory(let path):
      var logOptions = SQLiteDeliveryLog.Options()
      logOptions.damage = damage
      var options = SQLiteSpanStore.Options()
      options.damage = damage
      log =
        isChanging
        ? try SQLiteDeliveryLog(directory: path, options: logOptions)
        : try SQLiteDeliveryLog(reading: path, options: logOptions)
      let store =
        isChanging
        ? try SQLiteSpanStore(directory: path, options: options) : try SQLiteSpanStore(reading: path, options: options)
      opened = .sqlite(path, store)
    case .postgres(let address):
      var logOptions = PostgresDeliveryLog.Options()
      logOptions.damage = damage
      logOptions.host = "vsd \(command)"
      var options = PostgresSpanStore.Options()
      options.damage = damage
      log =
        isChanging
        ? try PostgresDeliveryLog(PostgresPool(address), options: logOptions)
        : try PostgresDeliveryLog(reading: PostgresPool(address), options: logOptions)
      let lease = PostgresLease(PostgresPool(address), holder: "vsd \(command)")
      let store = PostgresSpanStore(PostgresPool(address), lease: lease, options: options)
      let held = isChanging ? try HeldLease(lease) : nil
      if isChanging { try store.prepareToLead() }
      opened = .postgres(address, store, held)
    }
  }

  func close() {
    spans.close()
    log.close()
    if case .postgres(_, _, let lease?) = opened { lease.release() }
  }

  // MARK: A second projection

  /// The projection that a replay builds beside that of the store.
  struct Second {
    let store: any SpanStore & FactStore
    fileprivate let lease: HeldLease?

    func close() {
      store.close()
      lease?.release()
    }
  }

  /// The file of the second projection. A later replay continues or replaces it.
  private static let fileName = "spans-replay.sqlite"

  /// Opens the projection of an earlier replay, or creates an empty one.
  func openSecond() throws -> Second {
    switch opened {
    case .sqlite(let directory, _):
      var options = SQLiteSpanStore.Options()
      options.fileName = Self.fileName
      return Second(store: try SQLiteSpanStore(directory: directory, options: options), lease: nil)
    case .postgres(let address, _, _):
      let lease = PostgresLease(try PostgresSpanStore.poolOfReplay(address), holder: "vsd \(ReplayCommand.name)")
      let held = try HeldLease(lease)
      let store = PostgresSpanStore(try PostgresSpanStore.poolOfReplay(address), lease: lease)
      try store.prepareToLead()
      return Second(store: store, lease: held)
    }
  }

  /// Removes the second projection. Close it first.
  func removeSecond() throws {
    switch opened {
    case .sqlite(let directory, _): try SQLiteSpanStore.remove(Self.fileName, in: directory)
    case .postgres(let address, _, _): try PostgresSpanStore.dropReplay(address)
    }
  }

  /// Puts the second projection in place of the current one.
  ///
  /// - Parameter beginning: See ``SQLiteSpanStore/replace(by:logBeginning:)``.
  /// - Returns: Where the former one is kept.
  func replace(by second: Second, logBeginning beginning: Timestamp?) throws -> String {
    switch (opened, second.store) {
    case (.sqlite(let directory, let first), let second as SQLiteSpanStore):
      try first.replace(by: second, logBeginning: beginning)
      return "\(directory)/\(SQLiteSpanStore.replacedFileName)"
    case (.postgres(_, let first, _), let second as PostgresSpanStore):
      try first.replace(by: second, logBeginning: beginning)
      return "schema \(PostgresSpanStore.replacedSchema)"
    default: throw StoreError(.unusable, "the two projections are of different kinds")
    }
  }
}

extension DaemonSettings {
  /// Returns where the store is that a command reads or changes.
  ///
  /// - Throws: ``SettingsError`` if the store is in memory.
  func commandStore(for command: String) throws(SettingsError) -> CommandStore.Place {
    switch store {
    case .memory: throw SettingsError("\(command) needs a store on disk: --store=DIRECTORY")
    case .directory(let path): .directory(path)
    case .postgres(let address): .postgres(address)
    }
  }
}
