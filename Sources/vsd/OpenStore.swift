import Glibc
import Leadership
import PoisonGuard
import PostgresStore
import Replay
import SQLiteStore
import ValueStreamCore

/// The log and the store of a daemon, with the lease that its leader holds.
struct OpenStore {
  let log: any DeliveryLog
  let spans: any SpanStore & FactStore
  let lease: any Lease
  let poisonGuard: PoisonGuard
  /// Prepares the store for a new leader.
  var prepareToLead: @Sendable () throws -> Void = {}

  /// Opens the store of the settings. Waits for a database that does not answer.
  init(_ settings: DaemonSettings, _ damage: DamageReport, _ logger: Logger) throws {
    switch settings.store {
    case .memory:
      (log, spans, lease, poisonGuard) = (MemoryDeliveryLog(), MemorySpanStore(), PermanentLease(), PoisonGuard())
    case .directory(let path):
      var logOptions = SQLiteDeliveryLog.Options()
      logOptions.damage = damage
      var storeOptions = SQLiteSpanStore.Options()
      storeOptions.damage = damage
      log = try SQLiteDeliveryLog(directory: path, options: logOptions)
      spans = try SQLiteSpanStore(directory: path, options: storeOptions)
      lease = PermanentLease()
      // Opening the store locked it, so no other process writes to the directory of the guard.
      poisonGuard = PoisonGuard(directory: path)
    case .postgres(let address):
      var logOptions = PostgresDeliveryLog.Options()
      logOptions.damage = damage
      logOptions.host = Self.hostName
      logOptions.onLoss = { logger.warn($0) }
      var storeOptions = PostgresSpanStore.Options()
      storeOptions.damage = damage
      log = try Self.waiting(logger) {
        try PostgresDeliveryLog(PostgresPool(address), options: logOptions) { logger.warn($0) }
      }
      // The lease has connections of its own, so that nothing else delays its renewal.
      let lease = PostgresLease(PostgresPool(address), holder: "\(Self.hostName)/\(getpid())")
      let spans = PostgresSpanStore(PostgresPool(address), lease: lease, options: storeOptions)
      self.lease = lease
      self.spans = spans
      prepareToLead = { try spans.prepareToLead() }
      poisonGuard = Self.guardOfMachine(address, in: settings.stateDirectory)
      if !poisonGuard.isWorking {
        logger.warn("no file can be written in \(settings.stateDirectory): a delivery that crashes vsd is not set aside")
      }
    }
    let (spans, isShared) = (spans, settings.store.isShared)
    if try isShared ? Self.waiting(logger, { try StoreMigration.isUnfinished(spans) }) : StoreMigration.isUnfinished(spans) {
      throw StoreError(.rejected, "vsd \(MigrateCommand.name) into this store has not ended: run it again, and it goes on")
    }
  }

  /// Calls `open` again and again while the database does not answer.
  private static func waiting<Value>(_ logger: Logger, _ open: () throws -> Value) throws -> Value {
    var isFirst = true
    while true {
      do {
        return try open()
      } catch let error as StoreError where error.code == .busy {
        if isFirst { logger.error("waits for the database: \(error)") }
        isFirst = false
        sleep(1)
      }
    }
  }

  /// Opens a guard in a directory of this machine, for the deliveries of one database.
  private static func guardOfMachine(_ address: PostgresAddress, in directory: String) -> PoisonGuard {
    let name = Hex.text(of: SHA256.hash(of: address.description).bytes.prefix(8))
    let path = "\(directory)/postgres-\(name)"
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      made += "/\(part)"
      _ = mkdir(made, 0o700)
    }
    return PoisonGuard(sharedDirectory: path)
  }

  private static var hostName: String {
    var bytes = [CChar](repeating: 0, count: 256)
    guard gethostname(&bytes, bytes.count - 1) == 0 else { return "" }
    return String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
