import FoundationEssentials
import ValueStreamCore

/// The problem details with which vsd answers an invalid request (RFC 9457).
struct Problem: Decodable {
  var title: String?
  var detail: String?

  /// Returns the reason in one line; for a response in another format, the beginning of its body.
  static func reason(of response: HTTPResponse) -> String {
    let problem = try? JSONDecoder().decode(Problem.self, from: Data(response.body))
    return problem?.detail ?? problem?.title ?? String(decoding: response.body.prefix(200), as: UTF8.self)
  }
}
