package import ValueStreamCore

/// Decides which route a request takes, and whether it may.
package struct Router: Sendable {
  let routes: [Route]
  let readers: ReadPolicy

  /// - Parameters:
  ///   - readToken: what pages, API and metrics ask for. Without one, pages and API answer only on loopback.
  ///   - authenticator: compares tokens in constant time.
  package init(routes: [Route], readToken: Secret?, authenticator: any MessageAuthenticator) {
    self.routes = routes
    readers = ReadPolicy(token: readToken, authenticator: authenticator)
  }

  /// The routes of one listener.
  func table(for role: ListenerRole, isLoopback: Bool, hasAdminListener: Bool) -> RouteTable {
    RouteTable(
      routes: hasAdminListener ? routes.filter { $0.isServed(on: role) } : routes, readers: readers, isLoopback: isLoopback)
  }
}

/// The routes of one listener, by path.
struct RouteTable: Sendable {
  enum Decision: Sendable {
    case intake(any EventSource)
    /// `HEAD` on a webhook.
    case confirm
    case handler(any HTTPHandler, runsInline: Bool)
    case refuse(HTTPResponse)
  }

  private var exact: [String: [Route]] = [:]
  /// Longest first.
  private var prefixes: [(path: String, route: Route)] = []
  private let readers: ReadPolicy
  private let isLoopback: Bool

  init(routes: [Route], readers: ReadPolicy, isLoopback: Bool) {
    self.readers = readers
    self.isLoopback = isLoopback
    for route in routes {
      switch route.path {
      case .exact(let path): exact[path, default: []].append(route)
      case .prefix(let path): prefixes.append((path, route))
      }
    }
    prefixes.sort { $0.path.utf8.count > $1.path.utf8.count }
  }

  func decide(method: String, path: String, headers: HTTPHeaders) -> (decision: Decision, routeClass: RouteClass) {
    let candidates = routes(at: path)
    guard let first = candidates.first else { return (.refuse(.problem(404, "nothing is at this path")), .none) }
    guard let route = candidates.first(where: { $0.methods.contains(method) }) else {
      let allowed = candidates.flatMap(\.methods).joined(separator: ", ")
      return (.refuse(.problem(405, "this path takes \(allowed)", headers: ["Allow": allowed])), first.routeClass)
    }
    return (decide(route, method, headers), route.routeClass)
  }

  private func decide(_ route: Route, _ method: String, _ headers: HTTPHeaders) -> Decision {
    switch route.work {
    case .intake(let source):
      // A browser says where a request comes from; a vendor has no reason to. Keeps web pages from posting to loopback.
      if headers["Origin"] != nil { return .refuse(.problem(403, "deliveries do not come from web pages (header Origin)")) }
      return method == "HEAD" ? .confirm : .intake(source)
    case .handler(let handler, let access, let runsInline):
      if let refusal = readers.refusal(for: access, headers, isLoopback: isLoopback) { return .refuse(refusal) }
      return .handler(handler, runsInline: runsInline)
    }
  }

  private func routes(at path: String) -> [Route] {
    if let routes = exact[path] { return routes }
    // A slash at the end of a webhook's address is a slip of whoever typed it.
    if path.hasSuffix("/"), let routes = exact[String(path.dropLast())]?.filter(\.isIntake), !routes.isEmpty { return routes }
    guard let longest = prefixes.first(where: { path.hasPrefix($0.path) })?.path else { return [] }
    return prefixes.filter { $0.path == longest }.map(\.route)
  }
}
