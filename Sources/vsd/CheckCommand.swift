import ProgramOutput
import Projection
import ValueStreamCore

/// `vsd check`: lists damaged records of the log and the store. `vsd check repair` also repairs what it can.
struct CheckCommand {
  static let name = "check"
  /// The word after the command that requests a repair.
  static let repair = "repair"

  private let place: CommandStore.Place
  private let settings: DaemonSettings
  private let isRepairing: Bool

  /// Prepares the command.
  ///
  /// - Parameter words: the words after `check`.
  /// - Throws: ``SettingsError`` if a word is unknown, or the store is in memory.
  init(_ words: [String], _ settings: DaemonSettings) throws(SettingsError) {
    isRepairing = try settings.isChanging(words, command: Self.name, change: Self.repair)
    place = try settings.commandStore(for: Self.name)
    self.settings = settings
  }

  /// Prints the damage, and repairs it if requested.
  ///
  /// - Returns: false if damage remains.
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
    try mend()
    let left = try examine().damage
    for damage in left { StandardStream.output.write("still damaged: \(damage)\n") }
    return left.isEmpty
  }

  /// Reads the whole log and store.
  private func examine() throws -> (damage: [StoreDamage], setAsideCount: Int) {
    let report = DamageReport()
    let store = try CommandStore(place, isChanging: false, command: Self.name, damage: report)
    defer { store.close() }
    try store.log.examine()
    try store.spans.examine()
    let setAside = SetAsideDeliveries(encoded: try store.spans.values()[SetAsideDeliveries.valueName] ?? [])
    return (report.all, setAside.count)
  }

  private func mend() throws {
    let store = try CommandStore(place, isChanging: true, command: Self.name)
    do {
      defer { store.close() }
      try store.log.examine()
      try store.log.acceptLosses()
      try store.spans.removeDamaged()
    }
    // The replay projects subjects, aliases, the outbox and set-aside deliveries again from the log.
    try ReplayCommand([ReplayCommand.application], settings).run()
  }
}
