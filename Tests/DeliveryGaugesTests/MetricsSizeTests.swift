import DeliveryCounters
import Intake
import Prometheus
import Synchronization
import Testing
import ValueStreamCore

@testable import DeliveryGauges

/// Measures `/metrics` of an organization with 500 repositories.
@Suite("The size of /metrics")
struct MetricsSizeTests {
  private static let repositoryCount = 500

  /// The values of each label that one repository has.
  private static let fixedValues: [String: [String]] = [
    "operation": ["issue", "pull_request", "build", "job", "deploy"], "source": ["github"],
    "environment": ["staging", "production"], "outcome": ["success", "failure", "merged"], "phase": ["queue", "run", "review"],
    "from": ["success", "failure"], "to": ["failure", "none"], "step": ["first", "forward", "redeploy", "rollback"],
    "since": ["commit", "change", "merge"], "cicd_pipeline_name": ["Continuous integration", "Release", "Nightly"],
    "cicd_pipeline_run_state": ["pending", "executing"], "cicd_pipeline_result": ["success", "failure"],
    "error_type": ["", "failure"], "vcs_owner_name": ["harbour-industries"],
    "vcs_change_state": ["open", "wip", "merged", "closed"], "event_source": ["github"],
    "event_type": ["issue", "pull_request", "build"], "error": ["true", "false"],
  ]

  private static func values(of label: String, repository: Int) -> [String] {
    switch label {
    case "project", "service": ["harbour-industries/warehouse-service-\(repository)"]
    case "vcs_repository_name": ["warehouse-service-\(repository)"]
    case "vcs_repository_url_full": ["https://github.com/harbour-industries/warehouse-service-\(repository)"]
    default: fixedValues[label] ?? []
    }
  }

  private static func labelSets(of family: MetricFamily, repository: Int) -> [[String]] {
    family.labelNames.reduce([[]]) { sets, label in
      sets.flatMap { set in values(of: label, repository: repository).map { set + [$0] } }
    }
  }

  /// Counts something for every label set of every repository.
  private static func fill(_ families: [MetricFamily]) {
    for repository in 0..<repositoryCount {
      for family in families {
        for (index, labels) in labelSets(of: family, repository: repository).enumerated() {
          if case .histogram = family.kind {
            family.observe(Double((repository + 1) * (index + 1) * 37), labels: labels)
          } else {
            family.add(Double(index + 1), labels: labels)
          }
        }
      }
    }
  }

  private static func metrics(_ registry: MetricRegistry, seriesLimit: Int = 2000) -> [MetricFamily] {
    _ = ProjectionMetrics(registry: registry, seriesLimit: seriesLimit)
    return registry.all.filter(\.isLimited)
  }

  @Test("stays below 5 MB at 500 repositories, with right sums, and says what is folded")
  func bounded() throws {
    let told = Mutex<Set<String>>([])
    let registry = MetricRegistry(textBytes: Int(CounterSettings.size.defaultValue.bytes)) { family in
      told.withLock { _ = $0.insert(family.name) }
    }
    let families = Self.metrics(registry)
    Self.fill(families)
    let world = try GaugeWorld(registry: registry)
    for repository in 0..<Self.repositoryCount {
      for environment in ["staging", "production"] {
        let name = "harbour-industries/warehouse-service-\(repository)"
        try world.releases(of: name, in: environment, daysAgo: [1, 2], leadTimes: [86_400.125, 1000.5])
      }
    }
    try world.gauges.refresh()
    #expect(world.values("valuestream_dora_releases").count == 2 * Self.repositoryCount)
    let handler = MetricsHandler(registry: registry, compress: Deflater.gzip)
    for type in ["text/plain", "application/openmetrics-text"] {
      let request = HTTPRequest(method: "GET", path: "/metrics", headers: ["Accept": type])
      let plain = handler.respond(to: request).body.count
      #expect(plain < 5_000_000, "\(plain)")
      var compressed = request
      compressed.headers["Accept-Encoding"] = "gzip"
      let response = handler.respond(to: compressed)
      #expect(response.headers["Content-Encoding"] == "gzip")
      #expect(response.body.count < 500_000, "\(response.body.count)")
    }
    var foldedCount = 0
    for family in families {
      let (all, shown) = (family.series, family.shownSeries)
      #expect(all.reduce(0) { $0 + $1.value } == shown.reduce(0) { $0 + $1.value }, "\(family.name)")
      let counts = [all, shown].map { series in
        series.reduce(into: [UInt64](repeating: 0, count: series.first?.buckets.count ?? 0)) { sums, one in
          for index in one.buckets.indices { sums[index] += one.buckets[index] }
        }
      }
      #expect(counts[0] == counts[1], "\(family.name)")
      if shown.count < all.count {
        foldedCount += 1
        #expect(family.foldedCount > 0, "\(family.name)")
        #expect(told.withLock { $0.contains(family.name) }, "\(family.name)")
        #expect(shown.contains { $0.labels.first == "other" })
      }
    }
    #expect(foldedCount > 5)
  }

  @Test("what is shown apart stays so: over a restart, whatever comes, and no counter shrinks")
  func stable() throws {
    let bytes = 200_000
    var stored: [String: [UInt8]] = [:]
    var before: [[String]: Double] = [:]
    var known: Set<String> = []
    for round in 0..<4 {
      let registry = MetricRegistry(textBytes: bytes)
      let families = Self.metrics(registry)
      registry.restore(stored)
      for family in families {
        for series in family.shownSeries where family.kind != .gauge {
          let key = [family.name] + series.labels
          #expect(series.value >= before[key] ?? 0, "\(key) after restart \(round)")
        }
        let names = Set(family.shownSeries.map { ([family.name] + $0.labels).joined(separator: "\t") })
        let former = known.filter { $0 == family.name || $0.hasPrefix("\(family.name)\t") }
        #expect(round == 0 || names == former, "\(family.name) after restart \(round)")
      }
      for repository in round * 5..<round * 5 + 10 {
        for family in families {
          for labels in Self.labelSets(of: family, repository: repository) {
            if case .histogram = family.kind { family.observe(100, labels: labels) } else { family.add(labels: labels) }
          }
        }
      }
      before = [:]
      known = []
      for family in families {
        for series in family.shownSeries {
          before[[family.name] + series.labels] = series.value
          known.insert(([family.name] + series.labels).joined(separator: "\t"))
        }
      }
      stored.merge(registry.changedValues()) { $1 }
    }
    #expect(stored.keys.contains { $0.hasPrefix("shown:") })
    // Another size shows other series.
    let registry = MetricRegistry(textBytes: .max)
    let families = Self.metrics(registry)
    registry.restore(stored)
    #expect(families.allSatisfy { $0.shownSeries == $0.series })
  }

  @Test("a store that has more than the size allows shows about as many label sets of each histogram, and tells so at the start")
  func upgraded() {
    let former = MetricRegistry()
    let before = Self.metrics(former)
    Self.fill(before)
    let told = Mutex<Set<String>>([])
    let registry = MetricRegistry(textBytes: 2 << 20) { family in told.withLock { _ = $0.insert(family.name) } }
    let families = Self.metrics(registry)
    registry.restore(former.changedValues())
    #expect(told.withLock { $0.count } > 5)
    let text = MetricsHandler(registry: registry).respond(to: HTTPRequest(method: "GET", path: "/metrics"))
    #expect((1 << 20..<5 << 19).contains(text.body.count), "\(text.body.count)")
    var counts: [Int] = []
    for (family, old) in zip(families, before) {
      #expect(family.series == old.series, "\(family.name)")
      if case .histogram = family.kind, family.hiddenCount > 0 { counts.append(family.shownSeries.count) }
    }
    #expect(counts.count > 3)
    #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 6, "\(counts)")
  }
}
