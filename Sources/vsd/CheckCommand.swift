import Pipeline
import SQLiteStore
import ValueStreamCore

/// `vsd check`: which records of log and store are damaged, and, if wanted, mends what can be.
struct CheckCommand {
  static let name = "check"
  /// The word after it that mends.
  static let repair = "repair"

  private let directory: String
  private let settings: DaemonSettings
  private let isRepairing: Bool

  /// - Parameter words: what follows `check`.
  init(_ words: [String], _ settings: DaemonSettings) throws(SettingsError) {
    isRepairing = try settings.isChanging(words, command: Self.name, change: Self.repair)
    directory = try settings.storeDirectory(for: Self.name)
    self.settings = settings
  }

  /// - Returns: false when something is damaged and stays so.
  func run() throws -> Bool {
    let found = try examine()
    for damage in found.damage { StandardStream.output.write("\(damage)\n") }
    if found.setAsideCount > 0 { StandardStream.output.write("\(found.setAsideCount) deliveries are set aside\n") }
    guard !found.damage.isEmpty || found.setAsideCount > 0 else {
      StandardStream.output.write("nothing is damaged\n")
      return true
    }
    guard isRepairing else {
      let count = found.damage.count
      StandardStream.output.write("\(count) damaged records; vsd check repair, with vsd stopped, mends what can be\n")
      return found.damage.isEmpty
    }
    try mend(found.damage)
    let left = try examine().damage
    for damage in left { StandardStream.output.write("still damaged: \(damage)\n") }
    return left.isEmpty
  }

  /// Reads everything there is.
  private func examine() throws -> (damage: [StoreDamage], setAsideCount: Int) {
    let report = DamageReport()
    let log = try SQLiteDeliveryLog(reading: directory, options: Self.logOptions(report))
    defer { log.close() }
    try log.examine()
    let store = try SQLiteSpanStore(reading: directory, options: Self.storeOptions(report))
    defer { store.close() }
    try store.examine()
    let setAside = SetAsideDeliveries(encoded: try store.values()[SetAsideDeliveries.valueName] ?? [])
    return (report.all, setAside.count)
  }

  private func mend(_ damage: [StoreDamage]) throws {
    let report = DamageReport()
    let log = try SQLiteDeliveryLog(directory: directory, options: Self.logOptions(report))
    do {
      defer { log.close() }
      try log.examine()
      try log.acceptLosses()
    }
    let store = try SQLiteSpanStore(directory: directory, options: Self.storeOptions(report))
    do {
      defer { store.close() }
      try store.removeDamaged()
    }
    // Subjects, names, the outbox and what was set aside come again from the log.
    try ReplayCommand([ReplayCommand.application], settings).run()
  }

  private static func logOptions(_ report: DamageReport) -> SQLiteDeliveryLog.Options {
    var options = SQLiteDeliveryLog.Options()
    options.damage = report
    return options
  }

  private static func storeOptions(_ report: DamageReport) -> SQLiteSpanStore.Options {
    var options = SQLiteSpanStore.Options()
    options.damage = report
    return options
  }
}
