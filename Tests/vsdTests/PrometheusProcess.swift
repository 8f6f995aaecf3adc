import Foundation
import Testing
import ValueStreamTesting

/// A Prometheus server that scrapes vsd every second, including exemplars.
struct PrometheusProcess {
  private let process: ChildProcess
  private let port: UInt16

  /// In CI a missing Prometheus fails its tests. Elsewhere it skips them.
  static let isWanted = program("prometheus") != nil || ProcessInfo.processInfo.environment["CI"] != nil

  /// Whether Prometheus has another wall clock than vsd: `make test-days` moves that of programs that use the C library.
  static let seesAnotherDay = ProcessInfo.processInfo.environment["WALL_CLOCK_OFFSET"] != nil

  /// The path of an installed program; nil if `PATH` does not have it.
  static func program(_ name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  init(scraping vsd: VSDProcess) throws {
    let configuration = try vsd.home.write(
      "prometheus.yml",
      """
      global: {scrape_interval: 1s, scrape_timeout: 1s}
      scrape_configs: [{job_name: vsd, static_configs: [{targets: ["127.0.0.1:\(vsd.ports[0])"]}]}]
      """)
    let process = try ChildProcess(
      Self.program("prometheus") ?? "prometheus",
      [
        "--config.file=\(configuration)", "--storage.tsdb.path=\(vsd.home.path)/prometheus", "--web.listen-address=127.0.0.1:0",
        "--enable-feature=exemplar-storage", "--log.format=logfmt",
      ], environment: ProcessInfo.processInfo.environment)
    port = try process.wait(for: "the address of Prometheus") {
      let lines = (process.output + process.errors).split(separator: "\n")
      let address = lines.first { $0.contains("msg=\"Listening on\"") }?.split(separator: ":").last
      return address.flatMap { UInt16($0) }
    }
    self.process = process
    try wait(for: "Prometheus to be ready") { try request("/-/ready").status == 200 ? true : nil }
  }

  /// The samples that a query returns now.
  func query(_ text: String) throws -> [JSON] {
    try data("/api/v1/query?query=\(Self.encoded(text))")["result"]?.list ?? []
  }

  /// The value of a query; nil unless it returns exactly one sample.
  func value(_ text: String) throws -> Double? {
    let samples = try query(text)
    return samples.count == 1 ? Self.value(of: samples[0]) : nil
  }

  static func value(of sample: JSON) -> Double? { sample["value"]?.list.last?.text.flatMap { Double($0) } }

  /// The exemplars of the last hour for all series in a query.
  func exemplars(_ text: String) throws -> [JSON] {
    let now = Date().timeIntervalSince1970
    let answer = try data("/api/v1/query_exemplars?query=\(Self.encoded(text))&start=\(now - 3600)&end=\(now + 60)")
    return answer.list.flatMap { $0["exemplars"]?.list ?? [] }
  }

  @discardableResult
  func wait<Value>(for what: String, atMost limit: Duration = .seconds(60), _ value: () throws -> Value?) throws -> Value {
    try process.wait(for: what, atMost: limit, value)
  }

  private func data(_ path: String) throws -> JSON {
    let response = try request(path)
    try #require(response.status == 200, "\(path): \(response.body)")
    return try JSON(parsing: response.body)["data"] ?? nil
  }

  private func request(_ path: String) throws -> HTTPConnection.Response {
    try HTTPConnection(port: port).request("GET", path)
  }

  private static func encoded(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
  }
}
