import FoundationEssentials
import ValueStreamCore

/// Why a vsd refused a request, in its own words (RFC 9457).
struct Problem: Decodable {
  var title: String?
  var detail: String?

  /// One line; of an answer in another form its beginning.
  static func reason(of response: HTTPResponse) -> String {
    let problem = try? JSONDecoder().decode(Problem.self, from: Data(response.body))
    return problem?.detail ?? problem?.title ?? String(decoding: response.body.prefix(200), as: UTF8.self)
  }
}
