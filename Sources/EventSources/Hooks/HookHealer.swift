import APIClient
import Synchronization
package import ValueStreamCore

/// Asks a vendor again for lost deliveries every few minutes, in the background of vsd.
///
/// Each place has its own pace: after an error, the next try comes later each time. Errors never end the run.
package final class HookHealer: Sendable {
  private struct Place {
    var memories: [String: HookHealing.Memory] = [:]
    var failures = 0
    /// When the place is looked at again after an error.
    var next = Timestamp.epoch
    /// The number of events without a success.
    var lost = 0
  }

  private let first: [HealTarget]
  private let current: @Sendable () -> [HealTarget]
  private let interval: Duration
  private let clock: any WallClock
  private let logger: Logger
  private let sleep: @Sendable (Duration) async throws -> Void
  private let lines: LogThrottle
  private let state: Mutex<[Place]>
  private let runs: MetricFamily
  private let redeliveries: MetricFamily
  private let lost: MetricFamily

  private static let longestPauseSeconds = 3600.0

  /// Creates a healer.
  ///
  /// - Parameters:
  ///   - interval: the time between two rounds.
  ///   - targets: returns what to heal; called for each round, because tokens can be replaced. The places must stay the same.
  ///   - sleep: waits for a duration; tests replace it.
  package init(
    interval: Duration, registry: MetricRegistry, clock: any WallClock = SystemClock(), logger: Logger,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    targets: @escaping @Sendable () -> [HealTarget]
  ) {
    current = targets
    first = targets()
    self.interval = interval
    self.clock = clock
    self.logger = logger
    self.sleep = sleep
    lines = LogThrottle(interval: .seconds(600), clock: clock)
    state = Mutex(first.map { _ in Place() })
    runs = registry.family(
      .counter, "valuestream_heal_runs_total",
      help: "How often the past deliveries of a place were looked at for lost ones, by result.", labels: ["result"])
    redeliveries = registry.family(
      .counter, "valuestream_heal_redeliveries_total",
      help: "Lost deliveries that a vendor was asked to send again, by whether it took the request.", labels: ["result"])
    lost = registry.family(
      .gauge, "valuestream_heal_lost_deliveries",
      help: "Events that a vendor could not deliver so far, and that are asked for again.")
    for result in ["success", "failure"] { runs.touch(labels: [result]) }
    for result in ["asked", "refused"] { redeliveries.touch(labels: [result]) }
    lost.set(0)
  }

  /// Heals until the task is cancelled.
  package func run() async {
    let places = first.map(\.service.place).joined(separator: ", ")
    logger.info("asks every \(Int64(interval.inSeconds)) s again for lost deliveries of \(places)")
    while !Task.isCancelled {
      await round()
      try? await sleep(interval)
    }
  }

  /// Looks at each place once, unless an error says to wait longer.
  package func round() async {
    var targets = current()
    // A changed configuration may name other places. They are healed after the next start.
    if targets.map(\.service.place) != first.map(\.service.place) { targets = first }
    for (index, target) in targets.enumerated() {
      let service = target.service
      guard !Task.isCancelled else { return }
      guard state.withLock({ $0[index].next <= clock.now() }) else { continue }
      var reports: [HookHealing.Report] = []
      do throws(APIError) {
        try await heal(target, index, &reports)
        let failures = state.withLock { places in
          defer { places[index].failures = 0 }
          return places[index].failures
        }
        runs.add(labels: ["success"])
        if failures > 0 { logger.info("asks again for lost deliveries of \(service.place)") }
      } catch {
        if error.code == .cancelled { return }
        note(error, of: service, index)
      }
      tell(reports, of: service)
    }
    lost.set(Double(state.withLock { $0.reduce(0) { $0 + $1.lost } }))
  }

  private func heal(
    _ target: HealTarget, _ index: Int, _ reports: inout [HookHealing.Report]
  ) async throws(APIError) {
    guard let history = target.service.history else { return }
    let hooks = try await HookSetup(target.service).hooks(address: target.address)
    guard !hooks.isEmpty else {
      throw APIError(
        .notFound, "there is no webhook to \(WebAddress.withoutSecrets(target.address)); vsperf webhooks create makes one")
    }
    let healing = HookHealing(history, pause: interval, limit: history.redeliveriesPerRun, clock: clock)
    // What is known of webhooks that are gone is forgotten.
    var memories = state.withLock { places in places[index].memories.filter { id, _ in hooks.contains { $0.id == id } } }
    defer {
      state.withLock { places in
        places[index].memories = memories
        places[index].lost = memories.values.reduce(0) { $0 + $1.count }
      }
    }
    for hook in hooks {
      var memory = memories[hook.id] ?? HookHealing.Memory()
      var report = HookHealing.Report()
      defer {
        memories[hook.id] = memory
        reports.append(report)
      }
      try await healing.run(hook, memory: &memory, report: &report)
    }
  }

  private func note(_ error: APIError, of service: any HookService, _ index: Int) {
    let seconds = state.withLock { places in
      places[index].failures += 1
      let pause = min(interval.inSeconds * Double(1 << min(places[index].failures, 16)), Self.longestPauseSeconds)
      places[index].next = clock.now().advanced(bySeconds: pause)
      return pause
    }
    runs.add(labels: ["failure"])
    guard let heldBack = lines.pass(service.place) else { return }
    logger.log(.warn, "cannot ask again for lost deliveries of \(service.place): \(error.description)") { line in
      line.member("nextTrySeconds", Int64(seconds))
      line.member("similarBefore", heldBack)
    }
  }

  private func tell(_ reports: [HookHealing.Report], of service: any HookService) {
    let asked = reports.reduce(0) { $0 + $1.asked }
    let refused = reports.reduce(0) { $0 + $1.refused }
    if asked > 0 { redeliveries.add(Double(asked), labels: ["asked"]) }
    if refused > 0 { redeliveries.add(Double(refused), labels: ["refused"]) }
    guard asked + refused > 0 else { return }
    logger.log(.info, "asked again for lost deliveries of \(service.place)") { line in
      line.member("asked", asked)
      line.member("refused", refused)
      line.member("lost", reports.reduce(0) { $0 + $1.failed })
    }
  }
}
