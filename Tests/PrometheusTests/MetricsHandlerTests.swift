import Testing
import ValueStreamCore

@testable import Prometheus

@Suite("The answer at /metrics")
struct MetricsHandlerTests {
  private static let openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
  private static let text = "text/plain; version=0.0.4; charset=utf-8"

  @Test(
    "is OpenMetrics for those who ask for it, else text",
    arguments: [
      (nil, text), ("*/*", text), ("text/plain", text), ("application/openmetrics-text", openMetrics),
      (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5,*/*;q=0.1",
        openMetrics
      ),
    ])
  func formats(accept: String?, contentType: String) {
    let registry = MetricRegistry()
    registry.family(.counter, "events_total", help: "Events.").add()
    var headers: HTTPHeaders = [:]
    headers["Accept"] = accept
    let response = MetricsHandler(registry: registry).respond(
      to: HTTPRequest(method: "GET", path: "/metrics", headers: headers))
    #expect(response.status == 200)
    #expect(response.headers["Content-Type"] == contentType)
    let body = String(decoding: response.body, as: UTF8.self)
    #expect(body.contains("\nevents_total 1\n"))
    #expect(body.hasSuffix("# EOF\n") == (contentType == Self.openMetrics))
  }

  @Test("gauges are brought up to date first")
  func refresh() {
    let registry = MetricRegistry()
    let gauge = registry.family(.gauge, "waiting", help: "What waits.")
    let handler = MetricsHandler(registry: registry) { gauge.add(1) }
    for expected in ["waiting 1\n", "waiting 2\n"] {
      let response = handler.respond(to: HTTPRequest(method: "GET", path: "/metrics"))
      #expect(String(decoding: response.body, as: UTF8.self).hasSuffix(expected))
    }
  }
}
