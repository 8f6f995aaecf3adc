import Synchronization
package import ValueStreamCore

/// Serves `/metrics`: as OpenMetrics to clients that prefer it, otherwise in the text format.
package struct MetricsHandler: HTTPHandler {
  private let registry: MetricRegistry
  private let traces: ExemplarTraces?
  private let refresh: @Sendable () -> Void
  private let text = SharedRendering()
  private let openMetrics = SharedRendering()

  /// - Parameters:
  ///   - traces: Finds the traces of exemplars; nil to show no exemplars.
  ///   - refresh: Updates gauges that are read for each scrape. Called before each rendering.
  package init(
    registry: MetricRegistry, traces: ExemplarTraces? = nil, refresh: @escaping @Sendable () -> Void = {}
  ) {
    self.registry = registry
    self.traces = traces
    self.refresh = refresh
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    let format = PrometheusText.Format(accept: request.headers["Accept"])
    let body = (format == .text ? text : openMetrics).body {
      refresh()
      return PrometheusText.encode(registry.all, as: format, ids: traces?.lookUp() ?? { _ in nil })
    }
    return HTTPResponse(status: 200, headers: ["Content-Type": format.contentType, "Vary": "Accept"], body: body)
  }
}

/// Renders metrics once for concurrent scrapes, which all get the same bytes.
///
/// A scrape that arrived before a rendering began gets that rendering. A large rendering also serves scrapes within
/// ``keptDuration`` after it ended, so that responses to slow clients do not each take its size in memory.
final class SharedRendering: Sendable {
  private struct Rendering {
    var body: [UInt8]
    var began: ContinuousClock.Instant
    var ended: ContinuousClock.Instant

    /// True if the rendering can serve a scrape that arrived at a given time.
    func answers(_ asked: ContinuousClock.Instant) -> Bool {
      asked <= began || body.count >= SharedRendering.largeByteCount && asked < ended + SharedRendering.keptDuration
    }
  }

  private let last = Mutex<Rendering?>(nil)

  /// The size in bytes from which a rendering is reused for ``keptDuration``.
  static let largeByteCount = 256 << 10
  static let keptDuration = Duration.seconds(1)

  /// Returns a shared rendering, or renders now. Blocks while another thread renders.
  func body(_ render: () -> [UInt8]) -> [UInt8] {
    let asked = ContinuousClock.now
    return last.withLock { last in
      if let last, last.answers(asked) { return last.body }
      let began = ContinuousClock.now
      let body = render()
      last = Rendering(body: body, began: began, ended: .now)
      return body
    }
  }
}
