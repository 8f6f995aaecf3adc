package import ValueStreamCore

/// Something that can be asked for by path.
package struct Route: Sendable {
  package enum Path: Sendable, Hashable {
    case exact(String)
    /// This path and everything below; ends with `/`.
    case prefix(String)
  }

  /// Who may ask.
  package enum Access: Sendable, Hashable {
    /// Anybody, on every listener: health.
    case open
    /// Anybody, unless a read token or an admin listener is configured: metrics.
    case openUnlessProtected
    /// Who holds the read token; without a token, only this machine: pages and API.
    case reading
  }

  enum Work: Sendable {
    case intake(any EventSource)
    case handler(any HTTPHandler, access: Access, runsInline: Bool)
  }

  let path: Path
  /// `HEAD` is answered wherever `GET` is.
  let methods: [String]
  let routeClass: RouteClass
  let work: Work

  /// Takes a source's deliveries at its ``EventSource/route``.
  package static func webhook(_ source: any EventSource) -> Route {
    Route(
      path: .exact(source.route), methods: source.answersHead ? ["POST", "HEAD"] : ["POST"], routeClass: .intake,
      work: .intake(source))
  }

  /// Hands requests to a handler.
  ///
  /// - Parameter runsInline: answered on the server's own thread, so the handler must not wait for anything.
  package static func handler(
    _ path: Path, methods: [String] = ["GET"], access: Access, as routeClass: RouteClass, runsInline: Bool = false,
    _ handler: any HTTPHandler
  ) -> Route {
    Route(
      path: path, methods: methods.contains("GET") ? methods + ["HEAD"] : methods, routeClass: routeClass,
      work: .handler(handler, access: access, runsInline: runsInline))
  }

  /// `/healthz` (200 while the process serves) and `/readyz` (503 with the reason while `unreadiness` gives one; else 200, with a line
  /// for each of the `warnings`: deliveries are still safe here, and an operator should look).
  package static func health(
    unreadiness: @escaping @Sendable () -> String?, warnings: @escaping @Sendable () -> [String] = { [] }
  ) -> [Route] {
    [
      .handler(.exact("/healthz"), access: .open, as: .health, runsInline: true, HandlerFunction { _ in .text("ok\n") }),
      .handler(
        .exact("/readyz"), access: .open, as: .health, runsInline: true,
        HandlerFunction { _ in
          unreadiness().map { .problem(503, $0) } ?? .text("ok\n" + warnings().map { "warning: \($0)\n" }.joined())
        }),
    ]
  }

  /// True of webhooks.
  var isIntake: Bool {
    if case .intake = work { true } else { false }
  }

  /// True on a listener that serves only one side, when an admin listener is configured.
  func isServed(on role: ListenerRole) -> Bool {
    switch work {
    case .intake: role == .open
    case .handler(_, access: .open, _): true
    case .handler: role == .admin
    }
  }
}

/// A handler that is one function.
package struct HandlerFunction: HTTPHandler {
  private let function: @Sendable (HTTPRequest) -> HTTPResponse

  package init(_ function: @escaping @Sendable (HTTPRequest) -> HTTPResponse) {
    self.function = function
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    function(request)
  }
}

/// What a listener is for.
package enum ListenerRole: Sendable, Hashable {
  /// Deliveries, and everything else where there is no admin listener.
  case open
  /// Pages, API and metrics.
  case admin
}
