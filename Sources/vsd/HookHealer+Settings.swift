import APIClient
import CurlTransport
import GitHubHooks
import GitLabHooks
import Hooks
import Synchronization
import ValueStreamCore

/// The settings with which vsd asks vendors again for lost deliveries.
struct HealSettings: Sendable {
  private let vendors: [any VendorHealing]
  let interval: Duration

  /// The vendors that send deliveries again, in the order of the help.
  private static let known: [any VendorHealing.Type] = [GitHubHealSettings.self, GitLabHealSettings.self]

  private static let pause = Setting<Duration>.duration(
    "heal-interval", default: .seconds(300), text: "5m", help: "Time between two looks for lost deliveries.")

  static let declarations = known.flatMap { $0.declarations } + [pause.declaration]

  /// Reads the settings.
  ///
  /// - Returns: nil if nothing is to be healed.
  /// - Throws: a one-line message for the user.
  static func read(
    _ settings: Settings, publicURL: String?, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> HealSettings? {
    var vendors: [any VendorHealing] = []
    for vendor in known {
      if let found = try vendor.read(settings, publicURL: publicURL, readFile: readFile) { vendors.append(found) }
    }
    guard !vendors.isEmpty else { return nil }
    let interval = try settings.value(of: pause)
    guard interval >= .seconds(1) else { throw SettingsError("\(settings.origin(of: pause)): at least 1s") }
    return HealSettings(vendors: vendors, interval: interval)
  }

  func targets(client: APIClient) -> [HealTarget] {
    vendors.flatMap { $0.targets(client: client) }
  }
}

/// The settings of a running healer, whose tokens can be replaced.
final class CurrentHealing: Sendable {
  private let settings: Mutex<HealSettings>

  init(_ settings: HealSettings) { self.settings = Mutex(settings) }

  var value: HealSettings { settings.withLock { $0 } }

  func replace(by new: HealSettings) { settings.withLock { $0 = new } }
}

extension HookHealer {
  /// Creates the healer that the settings ask for.
  convenience init(of healing: CurrentHealing, registry: MetricRegistry, clock: any WallClock, logger: Logger) {
    var options = CurlTransport.Options()
    options.responseLimit = 64 << 20
    let client = APIClient(
      transport: CurlTransport(options: options), clock: clock,
      report: { wait in
        logger.log(.info, "waits before it asks again for lost deliveries: \(wait.reason)") { line in
          line.member("seconds", Int64(min(max(0, wait.seconds), 1e9)))
        }
      })
    self.init(
      interval: healing.value.interval, registry: registry, clock: clock, logger: logger,
      targets: { healing.value.targets(client: client) })
  }
}
