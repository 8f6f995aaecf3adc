package import ValueStreamCore

/// Finds the route of a request and checks access to it.
package struct Router: Sendable {
  let routes: [Route]
  let readers: ReadPolicy
  let signIn: (any HTTPHandler)?

  /// Creates a router.
  ///
  /// - Parameters:
  ///   - readToken: the token that pages, API and metrics require. Without one, pages and API answer on loopback only.
  ///   - authenticator: compares tokens in constant time.
  ///   - session: recognizes browsers that signed in. Nil to accept only the token itself.
  ///   - operators: who may write.
  ///   - signIn: answers requests for pages without a token. Nil to answer them with an error.
  package init(
    routes: [Route], readToken: CurrentSecret?, authenticator: any MessageAuthenticator, session: PageSession? = nil,
    operators: OperatorAccess = OperatorAccess(), signIn: (any HTTPHandler)? = nil
  ) {
    self.routes = routes
    self.signIn = signIn
    readers = ReadPolicy(token: readToken, authenticator: authenticator, session: session, operators: operators)
  }

  /// Returns the routes that one listener serves.
  func table(for role: ListenerRole, isLoopback: Bool, hasAdminListener: Bool) -> RouteTable {
    RouteTable(
      routes: hasAdminListener ? routes.filter { $0.isServed(on: role) } : routes, readers: readers, isLoopback: isLoopback,
      signIn: signIn)
  }
}

/// The routes of one listener, by path.
struct RouteTable: Sendable {
  enum Decision: Sendable {
    case intake(any EventSource)
    /// Answer `HEAD` on a webhook.
    case confirm
    case handler(any HTTPHandler, execution: Route.Execution)
    case reject(HTTPResponse)
  }

  private var exact: [String: [Route]] = [:]
  /// Prefix routes, longest prefix first.
  private var prefixes: [(path: String, route: Route)] = []
  /// The route of the paths without one, for browsers.
  private var rest: Route?
  private let readers: ReadPolicy
  private let isLoopback: Bool
  private let signIn: (any HTTPHandler)?

  init(routes: [Route], readers: ReadPolicy, isLoopback: Bool, signIn: (any HTTPHandler)? = nil) {
    self.signIn = signIn
    self.readers = readers
    self.isLoopback = isLoopback
    for route in routes {
      switch route.path {
      case .exact(let path): exact[path, default: []].append(route)
      case .prefix(let path): prefixes.append((path, route))
      case .rest: rest = route
      }
    }
    prefixes.sort { $0.path.utf8.count > $1.path.utf8.count }
  }

  /// Finds the route of a request, and checks its method and access.
  ///
  /// - Parameter isDirect: true if the request comes from this machine, and no proxy has forwarded it.
  func decide(
    method: String, path: String, headers: HTTPHeaders, isDirect: @autoclosure () -> Bool = false
  ) -> (decision: Decision, routeClass: RouteClass) {
    let candidates = routes(at: path)
    guard let first = candidates.first else {
      if let rest, rest.methods.contains(method), headers["Accept"]?.contains("text/html") ?? false {
        return (decide(rest, method, headers, isDirect), .none)
      }
      return (.reject(.problem(404, "nothing is at this path")), .none)
    }
    guard let route = candidates.first(where: { $0.methods.contains(method) }) else {
      let allowed = candidates.flatMap(\.methods).joined(separator: ", ")
      return (.reject(.problem(405, "this path takes \(allowed)", headers: ["Allow": allowed])), first.routeClass)
    }
    return (decide(route, method, headers, isDirect), route.routeClass)
  }

  private func decide(_ route: Route, _ method: String, _ headers: HTTPHeaders, _ isDirect: () -> Bool) -> Decision {
    switch route.work {
    case .intake(let source):
      // Browsers send `Origin`, vendors have no reason to. This keeps web pages from posting deliveries to loopback.
      if headers["Origin"] != nil { return .reject(.problem(403, "deliveries do not come from web pages (header Origin)")) }
      return method == "HEAD" ? .confirm : .intake(source.value)
    case .handler(let handler, let access, let execution):
      if access == .operating || access == .operatorPages {
        guard let rejection = readers.rejectionOfWriting(headers, isLoopback: isLoopback, isDirect: isDirect()) else {
          return .handler(handler, execution: execution)
        }
        // A form that another site may have sent gets no page to sign in at.
        if access == .operatorPages, let signIn, rejection.status == 401 { return .handler(signIn, execution: .worker) }
        return .reject(rejection)
      }
      if let rejection = readers.rejection(for: access, headers, isLoopback: isLoopback) {
        if access == .pages, let signIn, readers.needsToken(isLoopback: isLoopback) {
          return .handler(signIn, execution: .worker)
        }
        return .reject(rejection)
      }
      return .handler(handler, execution: execution)
    }
  }

  private func routes(at path: String) -> [Route] {
    if let routes = exact[path] { return routes }
    // Tolerates a trailing slash in the webhook address that a user typed.
    if path.hasSuffix("/"), let routes = exact[String(path.dropLast())]?.filter(\.isIntake), !routes.isEmpty { return routes }
    guard let longest = prefixes.first(where: { path.hasPrefix($0.path) })?.path else { return [] }
    return prefixes.filter { $0.path == longest }.map(\.route)
  }
}
