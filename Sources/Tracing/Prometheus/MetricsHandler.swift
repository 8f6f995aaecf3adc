package import ValueStreamCore

/// Answers `/metrics`: OpenMetrics to those who ask for it, else the text form.
package struct MetricsHandler: HTTPHandler {
  private let registry: MetricRegistry
  private let refresh: @Sendable () -> Void

  /// - Parameter refresh: brings gauges up to date that are cheaper to read than to follow.
  package init(registry: MetricRegistry, refresh: @escaping @Sendable () -> Void = {}) {
    self.registry = registry
    self.refresh = refresh
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    refresh()
    let isOpenMetrics = request.headers["Accept"]?.contains("application/openmetrics-text") ?? false
    let format: PrometheusText.Format = isOpenMetrics ? .openMetrics : .text
    return HTTPResponse(
      status: 200, headers: ["Content-Type": format.contentType], body: PrometheusText.encode(registry.all, as: format))
  }
}
