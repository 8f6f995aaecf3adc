import Intake
import ValueStreamCore

extension Route {
  /// Makes the routes of imported deliveries. Without a secret, they say that one is missing.
  static func imports(of sources: [CurrentSource]) -> [Route] {
    guard sources.isEmpty else { return sources.map { .webhook($0) } }
    let refusal = HandlerFunction { _ in
      .problem(403, "Forbidden", detail: "imports need a secret: set VS_IMPORT_SECRET, or --import-secret-file")
    }
    return [.handler(.prefix(ImportSignature.routePrefix), methods: ["POST"], access: .open, as: .intake, refusal)]
  }
}
