import APIClient
import CurlTransport
import GitHubHooks
import Hooks
import ValueStreamCore

extension HookHealer {
  /// Creates the healer that `--heal` asks for.
  convenience init(
    of settings: HealSettings, token: CurrentSecret, registry: MetricRegistry, clock: any WallClock, logger: Logger
  ) {
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
      settings.services(client: client, token: token), address: settings.address, interval: settings.interval, registry: registry,
      clock: clock,
      logger: logger)
  }
}
