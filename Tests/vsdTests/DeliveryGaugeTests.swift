import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Compares the gauges of the delivery metrics with the answers of the API, as a real Prometheus has them.
@Suite("Gauges of the delivery metrics")
struct DeliveryGaugeTests {
  /// The gauges without their prefix, and the members of the API with the same numbers.
  private static let numbers: [(gauge: String, metric: String, member: String)] = [
    ("lead_time_median_seconds", "lead_time", "median_seconds"), ("lead_time_p85_seconds", "lead_time", "p85_seconds"),
    ("lead_time_changes", "lead_time", "n"), ("releases", "deployment_frequency", "deploys"),
    ("releases_per_day", "deployment_frequency", "per_day"), ("change_fail_ratio", "change_fail_rate", "ratio"),
    ("change_fail_releases", "change_fail_rate", "total"),
    ("recovery_time_median_seconds", "failed_deployment_recovery_time", "median_seconds"),
    ("recovery_time_failures", "failed_deployment_recovery_time", "n"),
    ("open_failures", "failed_deployment_recovery_time", "open"), ("rework_ratio", "rework_rate", "ratio"),
    ("rework_releases", "rework_rate", "total"),
  ]

  private struct Pair: Hashable {
    var service: String
    var environment: String
  }

  @Test(
    "are the numbers of the API after a history was sent, and with the first scrape after a restart; every panel about them has data",
    .enabled(if: PrometheusProcess.isWanted && !PrometheusProcess.seesAnotherDay, "prometheus is missing, or has another clock"))
  func sameAsAPI() throws {
    let flags = ["--tracer=none", "--settle=0s"]
    let vsd = try VSDProcess(flags)
    let prometheus = try PrometheusProcess(scraping: vsd)
    let now = SystemClock().now()
    let sent = try VSPerf.run([
      "generate", "history", "--story=year", "--seed=3", "--days=45", "--scale=0.1", "--connections=4",
      "--until=\(Timestamp(seconds: now.seconds).rfc3339)", "--send", "http://127.0.0.1:\(vsd.ports[0])",
    ])
    #expect(sent.exit == .code(0), "\(sent.errors)")
    try Self.sendFailures(to: vsd, now: now)
    try vsd.waitForAllFacts()
    try Self.compare(vsd, prometheus, since: SystemClock().now())

    #expect(try vsd.stop() == .code(0))
    let started = SystemClock().now()
    let again = try VSDProcess(flags + ["--addr=127.0.0.1:\(vsd.ports[0])"], in: vsd.home)
    try Self.compare(again, prometheus, since: started)
  }

  /// Sends a failure that ended and one that lasts, which a short history may lack.
  private static func sendFailures(to vsd: VSDProcess, now: Timestamp) throws {
    func day(_ count: Int) -> String { now.advanced(bySeconds: -86_400 * Double(count)).rfc3339 }
    func event(_ type: String, _ id: String, _ start: Int, _ end: Int?) throws {
      let times = #""startedAt": "\#(day(start))""# + (end.map { #", "endedAt": "\#(day($0))""# } ?? "")
      let place = #""namespace": "harbour/till", "service": "till", "environment": "production""#
      try vsd.postCustom(#"{"id": "\#(id)", "type": "\#(type)", \#(place), \#(times)}"#)
    }
    try event("deploy", "d1", 12, 11)
    try event("incident", "i1", 10, 9)
    try event("deploy", "d2", 8, 7)
    try event("incident", "i2", 6, nil)
  }

  /// Waits until Prometheus has gauges that were computed after a time, and compares them with the API.
  private static func compare(_ vsd: VSDProcess, _ prometheus: PrometheusProcess, since time: Timestamp) throws {
    let seconds = Double(time.nanoseconds) / 1e9
    // A computation may just be over, and on a busy machine it takes long, after which vsd rests for a hundred times as long.
    try prometheus.wait(for: "gauges of now", atMost: .seconds(300)) {
      try prometheus.value("valuestream_dora_computed_timestamp_seconds").map { $0 > seconds } == true ? true : nil
    }
    // Another scrape, because that one may have begun before the last gauge was set.
    let computed = try #require(try prometheus.value("valuestream_dora_computed_timestamp_seconds"))
    try prometheus.wait(for: "the next scrape") {
      try prometheus.value("timestamp(valuestream_dora_computed_timestamp_seconds)").map { $0 > computed + 1 } == true
        ? true : nil
    }
    let end = SystemClock().now()
    let window = "from=\(end.advanced(bySeconds: -30 * 86_400).rfc3339)&to=\(end.rfc3339)"
    let whole = try #require(try vsd.json("/api/v1/reports/dora?\(window)")["groups"]?.list.first)
    for (gauge, metric, member) in numbers {
      let shown = try prometheus.value("valuestream_dora_overall_\(gauge)")
      #expect(isSame(shown, whole["metrics"]?[metric]?[member]), "\(gauge): \(shown as Any), \(whole)")
    }

    var shown: [String: [Pair: Double]] = [:]
    for (gauge, _, _) in numbers {
      for sample in try prometheus.query("valuestream_dora_\(gauge)") {
        let labels = sample["metric"]
        let pair = Pair(service: labels?["service"]?.text ?? "", environment: labels?["environment"]?.text ?? "")
        shown[gauge, default: [:]][pair] = PrometheusProcess.value(of: sample)
      }
    }
    let environments = Set(shown["releases"]?.keys.map(\.environment) ?? [])
    #expect(environments.isSuperset(of: ["production", "staging", "production-eu"]), "\(environments)")
    for environment in environments {
      let report = try vsd.json("/api/v1/reports/dora?\(window)&group-by=service&environment=\(environment)")
      let groups = report["groups"]?.list ?? []
      #expect(Set(groups.map { $0["service"]?.text ?? "" }).count == groups.count)
      for (gauge, metric, member) in numbers {
        let ofEnvironment = (shown[gauge] ?? [:]).filter { $0.key.environment == environment }
        var expected: [Pair: JSON] = [:]
        for group in groups where isReleased(group) {
          let value = group["metrics"]?[metric]?[member]
          if value != .null { expected[Pair(service: group["service"]?.text ?? "", environment: environment)] = value }
        }
        #expect(Set(ofEnvironment.keys) == Set(expected.keys), "\(gauge) in \(environment)")
        for (pair, value) in ofEnvironment { #expect(isSame(value, expected[pair]), "\(gauge) of \(pair)") }
      }
    }

    for dashboard in try DashboardTests.Dashboard.all.get() {
      for (panel, query) in dashboard.queries() where query.contains("valuestream_dora_") {
        let samples = try prometheus.query(query)
        #expect(!samples.isEmpty, "\(dashboard.name), \(panel): \(query)")
        for sample in samples { #expect(PrometheusProcess.value(of: sample)?.isFinite == true, "\(panel): \(sample)") }
      }
    }
  }

  /// False for a service of which only an incident is known that names no environment.
  private static func isReleased(_ group: JSON) -> Bool {
    let (frequency, recovery) = (group["metrics"]?["deployment_frequency"], group["metrics"]?["failed_deployment_recovery_time"])
    let counts = [frequency?["deploys"], frequency?["previous"]?["deploys"], recovery?["n"], recovery?["open"]]
    return counts.contains { $0?.int ?? 0 > 0 }
  }

  /// The API rounds to six digits after the point. A number of which nothing is known is null there, and has no series here.
  private static func isSame(_ value: Double?, _ member: JSON?) -> Bool {
    guard let value else { return member == .null }
    guard case .number(let number) = member else { return false }
    return abs(value - number) <= 1e-6 * max(1, abs(number))
  }
}
