import FoundationEssentials

/// The problem details with which vsd answers an invalid request (RFC 9457).
package struct ProblemDetails: Decodable {
  private var title: String?
  private var detail: String?

  /// Returns the reason in one line; for a response in another format, the beginning of its body.
  package static func reason(of response: HTTPResponse) -> String {
    let problem = try? JSONDecoder().decode(Self.self, from: Data(response.body))
    let text = problem?.detail ?? problem?.title ?? String(decoding: response.body.prefix(200), as: UTF8.self)
    return text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}
