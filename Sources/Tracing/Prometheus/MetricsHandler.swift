package import ValueStreamCore

/// Answers `/metrics`: OpenMetrics to those who prefer it, else the text form.
package struct MetricsHandler: HTTPHandler {
  private let registry: MetricRegistry
  private let traces: ExemplarTraces?
  private let refresh: @Sendable () -> Void

  /// - Parameters:
  ///   - traces: of exemplars; nil to show none.
  ///   - refresh: brings gauges up to date that are cheaper to read than to follow.
  package init(
    registry: MetricRegistry, traces: ExemplarTraces? = nil, refresh: @escaping @Sendable () -> Void = {}
  ) {
    self.registry = registry
    self.traces = traces
    self.refresh = refresh
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    refresh()
    let format = PrometheusText.Format(accept: request.headers["Accept"])
    let body = PrometheusText.encode(registry.all, as: format, ids: traces?.lookUp() ?? { _ in nil })
    return HTTPResponse(status: 200, headers: ["Content-Type": format.contentType, "Vary": "Accept"], body: body)
  }
}
