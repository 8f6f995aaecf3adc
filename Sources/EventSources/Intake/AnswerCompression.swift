import Synchronization
import ValueStreamCore

/// Compresses the responses of handlers for clients that accept gzip. Call it on a worker thread.
final class AnswerCompression: Sendable {
  /// Smaller bodies fit into a packet as they are.
  static let leastByteCount = 600
  /// The number of files that are kept compressed. They never change, and pages have only a few.
  private static let keptLimit = 16
  private static let keptByteLimit = 1 << 20

  /// The compressed bodies of immutable files, by their entity tags.
  private let kept = Mutex<[String: [UInt8]]>([:])

  /// Returns the response as it goes to the client of the request.
  ///
  /// A response that may go out compressed says so in `Vary`. One that its handler has compressed stays as it is.
  func apply(_ response: HTTPResponse, to request: HTTPRequest) -> HTTPResponse {
    guard response.body.count >= Self.leastByteCount, response.headers["Content-Encoding"] == nil,
      let type = response.headers["Content-Type"], Self.isCompressible(type)
    else { return response }
    var result = response
    result.headers.addVary("Accept-Encoding")
    guard request.headers.acceptsGzip, let compressed = compressed(response), compressed.count < response.body.count else {
      return result
    }
    result.body = compressed
    result.headers["Content-Encoding"] = "gzip"
    // A strong tag names the exact bytes. The weak one still matches in `If-None-Match`.
    if let tag = result.headers["ETag"], tag.hasPrefix("\"") { result.headers["ETag"] = "W/\(tag)" }
    return result
  }

  private func compressed(_ response: HTTPResponse) -> [UInt8]? {
    guard let tag = response.headers["ETag"], response.headers["Cache-Control"]?.contains("immutable") == true,
      response.body.count <= Self.keptByteLimit
    else { return Deflater.gzip(response.body) }
    if let known = kept.withLock({ $0[tag] }) { return known }
    guard let compressed = Deflater.gzip(response.body) else { return nil }
    kept.withLock { kept in
      if kept.count < Self.keptLimit { kept[tag] = compressed }
    }
    return compressed
  }

  /// True for text, whatever its format. Images are compressed already, except for drawings.
  private static func isCompressible(_ contentType: String) -> Bool {
    let type = contentType.prefix { $0 != ";" }.trimmed.lowercased()
    return type.hasPrefix("text/") || type.hasSuffix("json") || type.hasSuffix("xml")
      || ["application/openmetrics-text", "application/javascript", "application/x-ndjson"].contains(type)
  }
}
