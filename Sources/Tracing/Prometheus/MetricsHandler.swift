import Synchronization
package import ValueStreamCore

/// Serves `/metrics`: as OpenMetrics to clients that prefer it, otherwise in the text format.
package struct MetricsHandler: HTTPHandler {
  private let families: @Sendable () -> [MetricFamily]
  private let traces: ExemplarTraces?
  private let refresh: @Sendable () -> Void
  private let compress: @Sendable ([UInt8]) -> [UInt8]?
  private let text = SharedRendering()
  private let openMetrics = SharedRendering()

  /// - Parameters:
  ///   - traces: Finds the traces of exemplars; nil to show no exemplars.
  ///   - compress: Compresses with gzip, for clients that accept it. Returns nil to send the text as it is.
  ///   - refresh: Updates gauges that are read for each scrape. Called before each rendering.
  package init(
    registry: MetricRegistry, traces: ExemplarTraces? = nil, compress: @escaping @Sendable ([UInt8]) -> [UInt8]? = { _ in nil },
    refresh: @escaping @Sendable () -> Void = {}
  ) {
    self.init(families: { registry.all }, traces: traces, compress: compress, refresh: refresh)
  }

  /// - Parameter families: Returns the metrics at present. Counters of the same name are added up.
  package init(
    families: @escaping @Sendable () -> [MetricFamily], traces: ExemplarTraces? = nil,
    compress: @escaping @Sendable ([UInt8]) -> [UInt8]? = { _ in nil }, refresh: @escaping @Sendable () -> Void = {}
  ) {
    self.compress = compress
    self.families = families
    self.traces = traces
    self.refresh = refresh
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    let format = PrometheusText.Format(accept: request.headers["Accept"])
    let compress = request.headers.acceptsGzip ? self.compress : nil
    let (body, isCompressed) = (format == .text ? text : openMetrics).body(compress: compress) {
      refresh()
      return PrometheusText.encode(families(), as: format, ids: traces?.lookUp() ?? { _ in nil })
    }
    var headers: HTTPHeaders = ["Content-Type": format.contentType, "Vary": "Accept, Accept-Encoding"]
    if isCompressed { headers["Content-Encoding"] = "gzip" }
    return HTTPResponse(status: 200, headers: headers, body: body)
  }
}

/// Renders metrics once for concurrent scrapes, which all get the same bytes.
///
/// A scrape that arrived before a rendering began gets that rendering. A large rendering also serves scrapes within
/// ``keptDuration`` after it ended, so that responses to slow clients do not each take its size in memory.
final class SharedRendering: Sendable {
  private struct Rendering {
    var body: [UInt8]
    /// The compressed body, once somebody asked for it.
    var compressed: [UInt8]?
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
  ///
  /// - Parameter compress: Compresses the rendering, once for all who ask for it. Nil for the rendering as it is.
  func body(compress: (([UInt8]) -> [UInt8]?)? = nil, _ render: () -> [UInt8]) -> (bytes: [UInt8], isCompressed: Bool) {
    let asked = ContinuousClock.now
    return last.withLock { last in
      var rendering: Rendering
      if let last, last.answers(asked) {
        rendering = last
      } else {
        let began = ContinuousClock.now
        let body = render()
        rendering = Rendering(body: body, began: began, ended: .now)
      }
      if let compress, rendering.compressed == nil { rendering.compressed = compress(rendering.body) }
      last = rendering
      if compress != nil, let compressed = rendering.compressed { return (compressed, true) }
      return (rendering.body, false)
    }
  }
}
