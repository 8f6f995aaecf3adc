import ValueStreamCore

/// A file that the binary contains and pages refer to: stylesheet, script, icon.
///
/// The address holds a hash of the content, so browsers keep an asset for as long as they like.
struct Asset: Sendable {
  let name: String
  let type: String
  let bytes: [UInt8]
  /// The first 16 digits of the SHA-256 of the content.
  let hash: String

  static let stylesheet = Asset("dashboard", "css", "text/css; charset=utf-8", PackageResources.dashboard_css)
  static let script = Asset("dashboard", "js", "text/javascript; charset=utf-8", PackageResources.dashboard_js)
  static let icon = Asset("icon", "svg", "image/svg+xml", PackageResources.icon_svg)
  static let all = [stylesheet, script, icon]

  private init(_ name: String, _ ending: String, _ type: String, _ bytes: [UInt8]) {
    let digest = bytes.withUnsafeBufferPointer { SHA256.hash(of: $0) }
    hash = String(Hex.text(of: digest.bytes).prefix(16))
    self.name = "\(name)-\(hash).\(ending)"
    self.type = type
    self.bytes = bytes
  }

  var address: Address { Address("assets", name) }

  /// Answers a request for an asset by the path below `/assets/`.
  static func respond(to request: HTTPRequest, name: Substring) -> HTTPResponse {
    guard let asset = all.first(where: { $0.name == name }) else {
      return HTTPResponse(status: 404, headers: ["Content-Type": "text/plain; charset=utf-8"], body: Array("no such file\n".utf8))
    }
    let tag = "\"\(asset.hash)\""
    var headers: HTTPHeaders = [
      "Cache-Control": "public, max-age=31536000, immutable", "ETag": tag, "X-Content-Type-Options": "nosniff",
    ]
    if request.headers["If-None-Match"]?.contains(tag) == true { return HTTPResponse(status: 304, headers: headers) }
    headers["Content-Type"] = asset.type
    return HTTPResponse(status: 200, headers: headers, body: asset.bytes)
  }
}
