package import ValueStreamCore

/// A path that the server answers, with its methods, access rule and work.
package struct Route: Sendable {
  package enum Path: Sendable, Hashable {
    case exact(String)
    /// This path and everything below it; ends with `/`.
    case prefix(String)
    /// Every path without a route, for requests of browsers (`Accept: text/html`).
    case rest
  }

  /// Who may send requests to a route.
  package enum Access: Sendable, Hashable {
    /// Anybody, on every listener. For health checks.
    case open
    /// Anybody, unless a read token is set. For metrics.
    ///
    /// If there is an admin listener, only that serves the route.
    case openUnlessProtected
    /// Holders of the read token; without a token, only clients on this machine. For pages and API.
    case reading
    /// As ``reading``, for pages: a browser that may not read gets the sign-in page of the router instead of an error.
    case pages
    /// Operators, who may write: holders of the operator token; without one, who may read, directly from this machine.
    case operating
    /// As ``operating``, for forms of pages: a browser that may not write gets the sign-in page instead of an error.
    case operatorPages
    /// Anybody, but only where pages are served. For the sign-in page, the stylesheet and the script.
    case besidePages
  }

  /// Where a handler runs.
  package enum Execution: Sendable, Hashable {
    /// On the server's own thread. The handler must not block.
    case inline
    /// On a worker thread.
    case worker
    /// On a worker thread, while another one stays for requests that are not slow. For reports, which may take seconds.
    case slow
  }

  enum Work: Sendable {
    case intake(CurrentSource)
    case handler(any HTTPHandler, access: Access, execution: Route.Execution)
  }

  let path: Path
  /// A route that takes `GET` also takes `HEAD`.
  let methods: [String]
  let routeClass: RouteClass
  let work: Work

  /// Receives a source's deliveries at its ``EventSource/route``.
  package static func webhook(_ source: any EventSource) -> Route { webhook(CurrentSource(source)) }

  /// Receives the deliveries of a source whose secrets may change.
  package static func webhook(_ current: CurrentSource) -> Route {
    let source = current.value
    return Route(
      path: .exact(source.route), methods: source.answersHead ? ["POST", "HEAD"] : ["POST"], routeClass: .intake,
      work: .intake(current))
  }

  /// Passes requests to a handler.
  /// - Parameter execution: .inline to call the handler on the server's own thread. The handler must not block then.
  package static func handler(
    _ path: Path, methods: [String] = ["GET"], access: Access, as routeClass: RouteClass, execution: Execution = .worker,
    _ handler: any HTTPHandler
  ) -> Route {
    Route(
      path: path, methods: methods.contains("GET") ? methods + ["HEAD"] : methods, routeClass: routeClass,
      work: .handler(handler, access: access, execution: execution))
  }

  /// Makes the health routes `/healthz` and `/readyz`.
  ///
  /// `/healthz` answers 200 while the process serves. `/readyz` answers 503 with the reason if `unreadiness` returns one.
  /// Otherwise it answers 200, with a line for each warning: deliveries are still safe, but an operator should look.
  package static func health(
    unreadiness: @escaping @Sendable () -> String?, warnings: @escaping @Sendable () -> [String] = { [] }
  ) -> [Route] {
    [
      .handler(.exact("/healthz"), access: .open, as: .health, execution: .inline, HandlerFunction { _ in .text("ok\n") }),
      .handler(
        .exact("/readyz"), access: .open, as: .health, execution: .inline,
        HandlerFunction { _ in
          unreadiness().map { .problem(503, $0) } ?? .text("ok\n" + warnings().map { "warning: \($0)\n" }.joined())
        }),
    ]
  }

  /// True for webhooks.
  var isIntake: Bool {
    if case .intake = work { true } else { false }
  }

  /// True if a listener of this role serves the route when an admin listener is configured.
  func isServed(on role: ListenerRole) -> Bool {
    switch work {
    case .intake: role == .open
    case .handler(_, access: .open, _): true
    case .handler: role == .admin
    }
  }
}

/// A handler made from a function.
package struct HandlerFunction: HTTPHandler {
  private let function: @Sendable (HTTPRequest) -> HTTPResponse

  package init(_ function: @escaping @Sendable (HTTPRequest) -> HTTPResponse) {
    self.function = function
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    function(request)
  }
}

/// The purpose of a listener.
package enum ListenerRole: Sendable, Hashable {
  /// Deliveries, and everything else if there is no admin listener.
  case open
  /// Pages, API and metrics.
  case admin
}
