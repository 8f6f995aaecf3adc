package import DeliveryMetrics
import Dispatch
import Synchronization
package import ValueStreamCore

/// Keeps gauges of the five DORA metrics over the last 30 days: for each service in each environment, and for production as a
/// whole.
///
/// The numbers are those of ``DORAReport``, so they count what was imported, and follow corrections. A thread of its own computes
/// them after a start and after facts have changed. That takes at most 1 % of the time. A number of which nothing is known has
/// no series.
package final class DeliveryGauges: Sendable {
  /// The bounds of the gauges.
  package struct Limits: Sendable {
    /// The pairs of a service and an environment with series of their own. Those with the most releases come first.
    package var pairs = 1000
    /// The environments that are looked at. Those with the most deploys come first.
    package var environments = 20

    package init() {}
  }

  private struct State {
    var hasNews = true
    var isStopping = false
  }

  private let facts: any FactSource
  private let settings: @Sendable () -> ReportSettings
  private let zone: TimeZoneRules
  private let clock: any WallClock
  private let logger: Logger
  private let limits: Limits
  private let state = Mutex(State())
  private let work = DispatchSemaphore(value: 0)
  private let errorLines = LogThrottle()

  private let ofPairs: DORAGaugeFamilies
  private let overall: DORAGaugeFamilies
  private let leftOut: MetricFamily
  private let computed: MetricFamily

  /// The length of the window.
  package static let days = 30
  /// The pause after a computation, as a multiple of the time that it took.
  private static let restFactor = 99
  private static let shortestRest = Duration.seconds(1)
  /// How long gauges stay without a computation, because the window moves on even if no fact changes.
  private static let longestRest = Duration.seconds(60)

  /// Creates the gauges. Call ``run()`` on a thread of its own to keep them.
  ///
  /// - Parameters:
  ///   - settings: Returns the settings of all reports.
  ///   - zone: The time zone of all reports.
  package init(
    registry: MetricRegistry, facts: any FactSource, settings: @escaping @Sendable () -> ReportSettings, zone: TimeZoneRules,
    clock: any WallClock, logger: Logger, limits: Limits = Limits()
  ) {
    self.facts = facts
    self.settings = settings
    self.zone = zone
    self.clock = clock
    self.logger = logger
    self.limits = limits
    overall = DORAGaugeFamilies(registry, prefix: "valuestream_dora_overall_", of: "production", labels: [])
    ofPairs = DORAGaugeFamilies(
      registry, prefix: "valuestream_dora_", of: "a service in an environment", labels: ["service", "environment"])
    leftOut = registry.family(
      .gauge, "valuestream_dora_left_out_pairs",
      help: "Pairs of a service and an environment without DORA gauges, because there are more than the limit.")
    computed = registry.family(
      .gauge, "valuestream_dora_computed_timestamp_seconds", help: "When the DORA gauges were computed.")
  }

  /// Tells that facts have changed. Cheap.
  package func wake() {
    let isFirst = state.withLock { state in
      defer { state.hasNews = true }
      return !state.hasNews
    }
    if isFirst { work.signal() }
  }

  /// Makes ``run()`` return after the current computation.
  package func stop() {
    state.withLock { $0.isStopping = true }
    work.signal()
  }

  /// Keeps the gauges until ``stop()``. Blocks, so call it on a thread of its own.
  package func run() {
    while true {
      let isStopping = state.withLock { state in
        state.hasNews = false
        return state.isStopping
      }
      if isStopping { return }
      let began = ContinuousClock.now
      do {
        try refresh()
      } catch {
        if let heldBack = errorLines.pass() {
          logger.log(.error, "cannot compute the DORA gauges, will try again: \(error)") { $0.member("similarBefore", heldBack) }
        }
      }
      wait(atMost: max(Self.shortestRest, began.duration(to: .now) * Self.restFactor)) { $0.isStopping }
      wait(atMost: Self.longestRest) { $0.isStopping || $0.hasNews }
    }
  }

  private func wait(atMost limit: Duration, until isOver: (State) -> Bool) {
    let deadline = DispatchTime.now() + limit.inSeconds
    while !state.withLock({ isOver($0) }), work.wait(timeout: deadline) == .success {}
  }

  // MARK: Computing

  /// Computes the gauges now. Blocks.
  ///
  /// While the facts of stored subjects are computed anew, after an upgrade or a change of settings, the gauges stay as they
  /// are: a part of the facts would give wrong numbers.
  package func refresh() throws {
    guard try facts.factProgress().remainingSubjects == 0 else { return }
    let now = clock.now()
    let settings = settings()
    let frame = ReportFrame(lastDays: Self.days, zone: zone, now: now)
    let whole = try DORAReport(DORAQuery(frame: frame, settings: settings), from: facts)
    var groups: [DORAGaugeFamilies.LabeledGroup] = []
    let environments = try environments(in: frame)
    for environment in environments.prefix(limits.environments) {
      let scope = ReportScope(environments: [.literal(environment.name)])
      let report = try DORAReport(
        DORAQuery(frame: frame, scope: scope, grouping: .service, settings: settings), from: facts)
      groups += report.groups.filter(Self.isKnown).map { ([$0.key.name ?? "", environment.name], $0) }
    }
    groups.sort { left, right in
      let (more, less) = (left.group.deploymentFrequency.current.releases, right.group.deploymentFrequency.current.releases)
      return more != less ? more > less : left.labels.lexicographicallyPrecedes(right.labels)
    }
    overall.show(whole.historyBegan == nil ? [] : whole.groups.map { ([], $0) }, now: now)
    ofPairs.show(Array(groups.prefix(limits.pairs)), now: now)
    let beyond = environments.dropFirst(limits.environments).reduce(0) { $0 + $1.services.count }
    leftOut.set(Double(max(0, groups.count - limits.pairs) + beyond))
    computed.set(Double(now.nanoseconds) / 1e9)
  }

  /// False for a service of which only an incident is known that names no environment: it was never released to this one.
  private static func isKnown(_ group: DORAReport.Group) -> Bool {
    let (frequency, recovery) = (group.deploymentFrequency, group.recoveryTime.current)
    return frequency.current.releases > 0 || frequency.previous?.releases ?? 0 > 0 || group.changeFailRate.current.total > 0
      || group.leadTime.current.summary.n > 0 || recovery.summary.n > 0 || !recovery.open.isEmpty
  }

  /// An environment and what was deployed there.
  private struct Environment {
    var name: String
    var deploys = 0
    var services: Set<FactName> = []
  }

  /// The environments with deploys in the window or the one before, those with the most deploys first.
  private func environments(in frame: ReportFrame) throws -> [Environment] {
    let start = FactDay(frame.window.previous.start)
    var found: [FactName: Environment] = [:]
    try facts.visitFacts(DeployFact.self, days: start...max(start, FactDay(frame.now)), includesOpen: false) { fact in
      guard fact.target.environment != .none, fact.outcome == .success else { return }
      found[fact.target.environment, default: Environment(name: "")].deploys += 1
      found[fact.target.environment]?.services.insert(fact.target.service)
    }
    // Names that differ only in case are one.
    var merged: [String: Environment] = [:]
    let texts = try facts.texts(of: Set(found.keys)).sorted { ($0.value, $0.key) < ($1.value, $1.key) }
    for (name, text) in texts where !text.isEmpty {
      guard let environment = found[name] else { continue }
      var sum = merged[text.lowercased()] ?? Environment(name: text)
      sum.deploys += environment.deploys
      sum.services.formUnion(environment.services)
      merged[text.lowercased()] = sum
    }
    return merged.values.sorted { $0.deploys != $1.deploys ? $0.deploys > $1.deploys : $0.name < $1.name }
  }
}
