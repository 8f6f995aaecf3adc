import FoundationEssentials
package import ValueStreamCore

/// Looks up spans in a vsd by the names of their subjects.
package struct SpanLookup: Sendable {
  /// The members of a span in the API that are needed here.
  package struct Found: Decodable, Sendable, Hashable {
    package var key: String
    package var attempt: Int
    package var traceID: String
  }

  package struct Failure: Error, Sendable, CustomStringConvertible {
    package var description: String
    /// True if a retry may succeed.
    package var isRetryable: Bool
  }

  private let server: String
  /// The address of vsd for messages, without secrets.
  package var place: String { WebAddress.withoutSecrets(server) }
  private let token: String?
  private let transport: any HTTPTransport

  /// Creates a lookup for a vsd.
  ///
  /// - Parameters:
  ///   - server: The address of vsd, without a trailing slash.
  ///   - token: The read token of vsd; nil if it has none.
  package init(server: String, token: String?, transport: any HTTPTransport) {
    self.server = server
    self.token = token
    self.transport = transport
  }

  /// Returns the spans of all subjects that have one of these names, in order of attempts.
  package func spans(named references: [Reference], timeoutSeconds: Double) async throws(Failure) -> [Found] {
    let query = references.map { "reference=\(PercentEncoding.encode($0.description))" }.joined(separator: "&")
    var request = HTTPTransportRequest(
      method: "GET", url: "\(server)/api/v1/spans?\(query)", timeoutSeconds: timeoutSeconds)
    if let token { request.headers["Authorization"] = "Bearer \(token)" }
    let response: HTTPResponse
    do throws(HTTPTransportError) {
      response = try await transport.send(request)
    } catch {
      throw Failure(description: "cannot ask \(place): \(error)", isRetryable: error.isRetryable)
    }
    guard response.status == 200 else {
      let hint = response.status == 401 ? "; VS_READ_TOKEN must be the read token that vsd was started with" : ""
      throw Failure(
        description: "\(place) answered \(response.status): \(ProblemDetails.reason(of: response))\(hint)",
        isRetryable: response.status == 429 || response.status >= 500)
    }
    guard let page = try? JSONDecoder().decode(Page.self, from: Data(response.body)) else {
      throw Failure(description: "\(place) answered something that is no list of spans: is that a vsd?", isRetryable: false)
    }
    return page.spans
  }

  private struct Page: Decodable {
    var spans: [Found]
  }
}
