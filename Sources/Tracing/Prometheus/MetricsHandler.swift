import Synchronization
package import ValueStreamCore

/// Answers `/metrics`: OpenMetrics to those who prefer it, else the text form.
package struct MetricsHandler: HTTPHandler {
  private let registry: MetricRegistry
  private let traces: ExemplarTraces?
  private let refresh: @Sendable () -> Void
  private let text = SharedRendering()
  private let openMetrics = SharedRendering()

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
    let format = PrometheusText.Format(accept: request.headers["Accept"])
    let body = (format == .text ? text : openMetrics).body {
      refresh()
      return PrometheusText.encode(registry.all, as: format, ids: traces?.lookUp() ?? { _ in nil })
    }
    return HTTPResponse(status: 200, headers: ["Content-Type": format.contentType, "Vary": "Accept"], body: body)
  }
}

/// Renders metrics once for scrapes that come at the same time: all of them get the same bytes.
///
/// Who asked before a rendering began is answered with it. A large one also answers those that ask within ``keptDuration`` of it, so that
/// answers that nobody reads do not take their size each.
final class SharedRendering: Sendable {
  private struct Rendering {
    var body: [UInt8]
    var began: ContinuousClock.Instant
    var ended: ContinuousClock.Instant

    /// True for the answer to who asked at a moment.
    func answers(_ asked: ContinuousClock.Instant) -> Bool {
      asked <= began || body.count >= SharedRendering.largeByteCount && asked < ended + SharedRendering.keptDuration
    }
  }

  private let last = Mutex<Rendering?>(nil)

  /// From this size on a rendering is made at most once a ``keptDuration``.
  static let largeByteCount = 256 << 10
  static let keptDuration = Duration.seconds(1)

  /// Blocks while another thread renders.
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
