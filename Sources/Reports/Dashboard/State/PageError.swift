import ValueStreamCore

/// Why a page cannot be shown. The answer is a page that says so and links on.
struct PageError: Error {
  var status: Int
  /// What is wrong, for the reader.
  var detail: String
  /// Places that the reader may have meant.
  var links: [(text: String, address: Address)] = []

  init(_ status: Int, _ detail: String, links: [(text: String, address: Address)] = []) {
    self.status = status
    self.detail = detail
    self.links = links
  }

  init(_ parameter: PageState.Parameter, _ value: String, expected: String) {
    self.init(400, "\(parameter.rawValue)=\(value): expected \(expected)")
  }

  init(unknown name: String, known: [String]) {
    let names = known.isEmpty ? "it takes none" : "known are \(known.joined(separator: ", "))"
    self.init(400, "\(name) is no parameter of this page; \(names)")
  }

  /// The heading of the page.
  var title: String {
    switch status {
    case 400: "This address does not work"
    case 401: "Please sign in"
    case 403: "This is not allowed"
    case 404: "Nothing is here"
    case 409: "Several items have this name"
    case 503: "The store cannot be read now"
    default: "The page cannot be shown"
    }
  }
}
