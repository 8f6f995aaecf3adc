import APIClient
import CurlTransport
import GitHubHooks
import GitLabHooks
import Hooks
import Synchronization
import ValueStreamCore

/// The settings with which vsd asks vendors again for lost deliveries.
struct HealSettings: Sendable {
  private let gitHub: GitHubHealSettings?
  private let gitLab: GitLabHealSettings?
  let interval: Duration

  private static let pause = Setting<Duration>.duration(
    "heal-interval", default: .seconds(300), text: "5m", help: "Time between two looks for lost deliveries.")

  static let declarations = GitHubHealSettings.declarations + GitLabHealSettings.declarations + [pause.declaration]

  /// Reads the settings.
  ///
  /// - Returns: nil if nothing is to be healed.
  /// - Throws: a one-line message for the user.
  static func read(
    _ settings: Settings, publicURL: String?, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> HealSettings? {
    let gitHub = try GitHubHealSettings.read(settings, publicURL: publicURL, readFile: readFile)
    let gitLab = try GitLabHealSettings.read(settings, publicURL: publicURL, readFile: readFile)
    guard gitHub != nil || gitLab != nil else { return nil }
    let interval = try settings.value(of: pause)
    guard interval >= .seconds(1) else { throw SettingsError("\(settings.origin(of: pause)): at least 1s") }
    return HealSettings(gitHub: gitHub, gitLab: gitLab, interval: interval)
  }

  func targets(client: APIClient) -> [HealTarget] {
    (gitHub?.targets(client: client) ?? []) + (gitLab?.targets(client: client) ?? [])
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
