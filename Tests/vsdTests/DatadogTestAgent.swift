import Foundation
import Testing
import ValueStreamTesting

/// Datadog's test agent for client libraries, which rejects malformed traces. `Scripts/bootstrap test` installs it.
final class DatadogTestAgent {
  struct Span: Decodable {
    struct Link: Decodable {
      var traceId: UInt64
      var traceIdHigh: UInt64
      var spanId: UInt64
      var attributes: [String: String]
      var flags: UInt64
    }

    var service: String
    var name: String
    var resource: String
    var traceId: UInt64
    var spanId: UInt64
    var parentId: UInt64
    var start: Int64
    var duration: Int64
    var error: Int
    var type: String
    var meta: [String: String]
    var metrics: [String: Double]
    var spanLinks: [Link]?
  }

  /// In CI a missing agent fails its tests. Elsewhere it skips them.
  static let isWanted = PythonEnvironment.wants("ddapm_test_agent")

  private static let checks = [
    "trace_count_header", "meta_tracer_version_header", "trace_content_length", "meta_events_is_valid_json",
  ]

  let process: ChildProcess
  private let port: ReservedPort

  /// Starts the agent and waits until it listens.
  init(in home: VSDProcess.Home) throws {
    let (port, http, grpc) = try (ReservedPort(), ReservedPort(), ReservedPort())
    self.port = port
    let program = PythonEnvironment.python.deletingLastPathComponent().appendingPathComponent("ddapm-test-agent").path
    process = try ChildProcess(
      program, [],
      environment: [
        "HOME": home.path, "HOST": "127.0.0.1", "PORT": "\(port.number)", "OTLP_HTTP_PORT": "\(http.number)",
        "OTLP_GRPC_PORT": "\(grpc.number)", "ENABLED_CHECKS": Self.checks.joined(separator: ","), "SNAPSHOT_DIR": home.path,
        "VCR_CASSETTES_DIRECTORY": home.path, "SNAPSHOT_CI": Golden.isRecorded ? "0" : "1",
        // The samples have fixed ids and times, so the snapshot compares every attribute.
        "SNAPSHOT_IGNORED_ATTRS": "nothing",
      ])
    try process.wait(for: "the test agent to listen") { try? HTTPConnection(port: port.number) }
  }

  var url: String { "http://127.0.0.1:\(port.number)" }

  /// The traces that the agent has accepted.
  func traces() throws -> [[Span]] {
    let answer = try HTTPConnection(port: port.number).request("GET", "/test/session/traces")
    try #require(answer.status == 200, "\(answer.body)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode([[Span]].self, from: Data(answer.body.utf8))
  }

  /// Sends the agent a request as client libraries do.
  ///
  /// - Returns: The status of the response.
  func put(_ body: String) throws -> Int {
    let headers = ["Content-Type": "application/msgpack", "X-Datadog-Trace-Count": "1", "Datadog-Meta-Tracer-Version": "1"]
    return try HTTPConnection(port: port.number).request("PUT", "/v0.4/traces", headers: headers, body: body).status
  }

  /// Compares the accepted traces with a snapshot of an earlier run, member by member.
  ///
  /// - Parameter file: The snapshot. It is rewritten when golden files are recorded.
  /// - Returns: The differences; empty if there are none.
  func difference(toSnapshot file: URL) throws -> String {
    if Golden.isRecorded { try? FileManager.default.removeItem(at: file) }
    let name = file.deletingPathExtension().path
    let answer = try HTTPConnection(port: port.number).request("GET", "/test/session/snapshot?file=\(name)")
    return answer.status == 200 ? "" : answer.body
  }

  /// The failures that the agent's checks found; empty if there are none.
  func failures() throws -> String {
    let answer = try HTTPConnection(port: port.number).request("GET", "/test/trace_check/failures")
    return answer.status == 200 ? "" : answer.body
  }
}
