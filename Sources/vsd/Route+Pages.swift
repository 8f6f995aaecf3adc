import Dashboard
import Intake
import ValueStreamCore

extension Route {
  /// Makes the routes of the dashboard, with its sign-in page.
  static func pages(_ dashboard: Dashboard, _ signIn: SignIn) -> [Route] {
    let paths = dashboard.paths.map(Path.exact) + dashboard.prefixes.map(Path.prefix) + [.rest]
    return paths.map { .handler($0, access: .pages, as: .pages, dashboard) } + [
      .handler(.exact(Dashboard.exclusionsPath), methods: ["POST"], access: .operatorPages, as: .pages, dashboard),
      .handler(.prefix(Dashboard.assetPrefix), access: .besidePages, as: .pages, dashboard),
      .handler(.exact(SignIn.path), methods: ["GET", "POST"], access: .besidePages, as: .pages, signIn),
      .handler(.exact(SignIn.signOutPath), methods: ["GET", "POST"], access: .besidePages, as: .pages, signIn),
    ]
  }
}
