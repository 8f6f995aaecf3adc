import DeliveryMetrics
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import DeliveryGauges

@Suite("Gauges of the five DORA metrics")
struct DeliveryGaugesTests {
  @Test("are the numbers of the report of each environment by service, and of the report of production")
  func sameAsReports() throws {
    let world = try GaugeWorld()
    try world.releases(of: "shop", in: "production", daysAgo: [1, 3, 5, 9, 40], leadTimes: [600, 7200, 86_400])
    try world.releases(of: "shop", in: "Staging", daysAgo: [1, 2, 4], leadTimes: [60])
    try world.releases(of: "till", in: "PROD-eu", daysAgo: [2, 50], leadTimes: [1000, 3000], fails: true)
    try world.releases(of: "old", in: "production", daysAgo: [45], leadTimes: [1])
    // Nothing says where it happened.
    try world.incident(of: "never released")
    try world.gauges.refresh()
    let frame = ReportFrame(lastDays: 30, now: GaugeWorld.now)
    var expected: [[String]: DORAReport.Group] = [:]
    for environment in ["production", "Staging", "PROD-eu"] {
      let scope = ReportScope(environments: [NamePattern(environment)])
      let report = try DORAReport(DORAQuery(frame: frame, scope: scope, grouping: .service), from: world.store)
      for group in report.groups where group.key.name != "never released" {
        expected[[group.key.name ?? "", environment]] = group
      }
    }
    #expect(expected.count == 4)
    let values: [(name: String, value: (DORAReport.Group) -> Double?)] = [
      ("lead_time_median_seconds", { $0.leadTime.current.summary.median }),
      ("lead_time_p85_seconds", { $0.leadTime.current.summary.p85 }),
      ("lead_time_changes", { Double($0.leadTime.current.summary.n) }),
      ("releases", { Double($0.deploymentFrequency.current.releases) }),
      ("releases_per_day", { $0.deploymentFrequency.current.perDay }),
      ("change_fail_ratio", { $0.changeFailRate.current.ratio }),
      ("change_fail_releases", { Double($0.changeFailRate.current.total) }),
      ("recovery_time_median_seconds", { $0.recoveryTime.current.summary.median }),
      ("recovery_time_failures", { Double($0.recoveryTime.current.summary.n) }),
      ("open_failures", { Double($0.recoveryTime.current.open.count) }),
      ("rework_ratio", { $0.reworkRate.current.ratio }),
      ("rework_releases", { Double($0.reworkRate.current.total) }),
    ]
    let whole = try #require(try DORAReport(DORAQuery(frame: frame), from: world.store).groups.first)
    for (name, value) in values {
      let shown = world.values("valuestream_dora_\(name)")
      #expect(shown == expected.compactMapValues(value), "\(name)")
      let overall: [[String]: Double] = value(whole).map { [[]: $0] } ?? [:]
      #expect(world.values("valuestream_dora_overall_\(name)") == overall, "\(name)")
    }
    #expect(whole.deploymentFrequency.current.releases == 5)
    #expect(world.values("valuestream_dora_change_fail_ratio")[["till", "PROD-eu"]] == 1)
    #expect(world.values("valuestream_dora_open_failures")[["till", "PROD-eu"]] == 1)
    let day = GaugeWorld.now.seconds - 86_400
    #expect(world.values("valuestream_dora_last_release_timestamp_seconds")[["shop", "production"]] == Double(day))
    // It is known although nothing was released in the window, of which no lead time is known.
    #expect(world.values("valuestream_dora_last_release_timestamp_seconds")[["old", "production"]] == Double(day - 44 * 86_400))
    #expect(world.values("valuestream_dora_releases")[["old", "production"]] == 0)
    #expect(world.values("valuestream_dora_lead_time_median_seconds")[["old", "production"]] == nil)
    #expect(world.values("valuestream_dora_open_failure_oldest_seconds").keys.map { $0 } == [["till", "PROD-eu"]])
  }

  @Test("have no series without any deploy, and lose those of which nothing is known any more")
  func absent() throws {
    let world = try GaugeWorld()
    try world.gauges.refresh()
    #expect(world.dora.allSatisfy { $0.series.isEmpty })
    try world.releases(of: "shop", in: "production", daysAgo: [1], leadTimes: [60])
    try world.gauges.refresh()
    #expect(world.values("valuestream_dora_overall_lead_time_median_seconds") == [[]: 60])
    world.store.removeAll()
    try world.gauges.refresh()
    #expect(world.dora.allSatisfy { $0.series.isEmpty })
  }

  @Test("show the services and environments with the most releases, and how many they leave out")
  func limits() throws {
    var limits = DeliveryGauges.Limits()
    limits.pairs = 2
    limits.environments = 2
    let world = try GaugeWorld(limits: limits)
    try world.releases(of: "a", in: "production", daysAgo: [1], leadTimes: [])
    try world.releases(of: "b", in: "production", daysAgo: [1, 2, 3], leadTimes: [])
    try world.releases(of: "c", in: "test", daysAgo: [1, 2], leadTimes: [])
    try world.releases(of: "d", in: "rare", daysAgo: [1], leadTimes: [])
    try world.gauges.refresh()
    #expect(world.values("valuestream_dora_releases") == [["b", "production"]: 3, ["c", "test"]: 2])
    #expect(world.values("valuestream_dora_left_out_pairs") == [[]: 2])
  }

  @Test("wait while the facts of stored subjects are computed anew")
  func recomputing() throws {
    let world = try GaugeWorld()
    try world.releases(of: "shop", in: "production", daysAgo: [1], leadTimes: [])
    world.store.write(StoreSamples.changes([StoreSamples.issue(1)]))
    world.store.recomputeFacts()
    #expect(world.store.factProgress().remainingSubjects > 0)
    try world.gauges.refresh()
    #expect(world.dora.allSatisfy { $0.series.isEmpty })
  }

  @Test("are computed by their thread at once, and again after facts have changed")
  func thread() throws {
    let world = try GaugeWorld()
    let isDone = Atomic(false)
    try world.releases(of: "shop", in: "production", daysAgo: [1], leadTimes: [])
    let gauges = world.gauges
    #expect(
      OwnThread.start {
        gauges.run()
        isDone.store(true, ordering: .releasing)
      })
    waitUntil { world.values("valuestream_dora_overall_releases") == [[]: 1] }
    try world.releases(of: "shop", in: "production", daysAgo: [2], leadTimes: [])
    world.gauges.wake()
    waitUntil { world.values("valuestream_dora_overall_releases") == [[]: 2] }
    world.gauges.stop()
    waitUntil { isDone.load(ordering: .acquiring) }
  }

  @Test("Facts at the bounds give gauges", arguments: Seeds.upTo(10))
  func bounds(seed: UInt64) throws {
    let world = try GaugeWorld(store: FactSamples.storeAtBounds(around: GaugeWorld.now, seed: seed))
    try world.gauges.refresh()
    let values = world.dora.flatMap(\.series).map(\.value)
    #expect(!values.isEmpty)
    #expect(values.allSatisfy { $0.isFinite && $0 >= 0 })
  }
}

/// Facts in memory, with gauges of them.
final class GaugeWorld {
  static let now = Timestamp(seconds: 1_790_000_000)

  let store: MemorySpanStore
  let registry: MetricRegistry
  let gauges: DeliveryGauges
  private var ids: UInt64 = 0

  init(
    store: MemorySpanStore = MemorySpanStore(), limits: DeliveryGauges.Limits = DeliveryGauges.Limits(),
    registry: MetricRegistry = MetricRegistry()
  ) throws {
    self.store = store
    self.registry = registry
    gauges = DeliveryGauges(
      registry: registry, facts: store, settings: { ReportSettings() }, zone: .utc, clock: FakeClock(Self.now),
      logger: Logger(threshold: .error) { _ in }, limits: limits)
  }

  /// The families of the five metrics.
  var dora: [MetricFamily] {
    registry.all.filter {
      $0.name.hasPrefix("valuestream_dora_") && !["left_out_pairs", "computed_timestamp_seconds"].contains($0.name.dropFirst(17))
    }
  }

  func values(_ name: String) -> [[String]: Double] {
    let series = registry.all.first { $0.name == name }?.series ?? []
    return Dictionary(uniqueKeysWithValues: series.map { ($0.labels, $0.value) })
  }

  private func id() -> FactID {
    ids += 1
    return FactID(rawValue: ids)
  }

  /// Adds an incident that names no environment.
  func incident(of service: String) throws {
    let began = Self.now.advanced(bySeconds: -86_400)
    let fact = IncidentFact(id: id(), service: store.factNames(for: [service])[0], began: began, detected: began)
    store.write(FactSamples.changes([FactSamples.facts(fact)]))
  }

  /// Adds a release for each number of days, which all bring changes with these lead times.
  ///
  /// - Parameter fails: True to add an incident that lasts, caused by the last release.
  func releases(
    of service: String, in environment: String, daysAgo: [Int], leadTimes: [Double], fails: Bool = false
  ) throws {
    let names = store.factNames(for: [service, environment])
    let target = DeployFactTarget(
      service: names[0], environment: names[1], repository: names[0])
    var facts: [SubjectFacts] = []
    for days in daysAgo {
      let deploy = id()
      let end = Self.now.advanced(bySeconds: -86_400 * Double(days))
      let start = end.advanced(bySeconds: -60)
      var rows = [
        EncodedFact(
          DeployFact(
            id: deploy, target: target, commit: CommitPrefix(rawValue: deploy.rawValue), created: start, started: start,
            ended: end,
            outcome: .success, step: .forward, changeCount: UInt32(leadTimes.count)))
      ]
      for seconds in leadTimes {
        rows.append(
          EncodedFact(
            DeliveredChange(
              deploy: deploy, target: target, commit: CommitPrefix(rawValue: deploy.rawValue), deployStarted: start,
              deployEnded: end, change: id(), times: ChangeMilestones(firstCommit: end.advanced(bySeconds: -seconds)),
              labels: ChangeLabels(repository: target.repository))))
      }
      facts.append(SubjectFacts(subject: FactSamples.subject(deploy), rows: rows))
      guard fails, days == daysAgo.min() else { continue }
      facts.append(
        FactSamples.facts(
          IncidentFact(
            id: id(), service: target.service, environment: target.environment, began: end.advanced(bySeconds: 60),
            detected: end.advanced(bySeconds: 60), cause: deploy,
            causeAttempt: 1, basis: .stated)))
    }
    store.write(FactSamples.changes(facts))
  }
}
