import PayloadReading
import ValueStreamCore

/// An issue or change, by its number in a repository: `acme/site#12`, `git.example.org/group/app!3` or the address of
/// its page.
struct RepositoryItem {
  enum Kind { case issue, change }

  /// Nil if the form fits both.
  let kind: Kind?
  private let repository: String
  private let number: Int64
  /// The hosts that the repository may be on. Several if the text names none.
  private let hosts: [String]

  private static let commonHosts = ["github.com", "gitlab.com"]

  init?(_ text: String) {
    if CustomHTTPReference.isAddress(text) { self.init(address: text) } else { self.init(short: text) }
  }

  var issues: [Reference] { hosts.map { .issue(number, of: repository, host: $0) } }

  var changes: [Reference] { hosts.map { .change(number, of: repository, host: $0) } }

  private init?(short text: String) {
    guard let mark = text.lastIndex(where: { $0 == "#" || $0 == "!" }),
      let number = Self.number(text[text.index(after: mark)...])
    else { return nil }
    var parts = text[..<mark].split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count >= 2, parts.allSatisfy(Self.isName) else { return nil }
    // The first of three or more parts is a host if it has a dot, else a group with subgroups.
    let isHosted = parts.count >= 3 && parts[0].contains(".")
    hosts = isHosted ? [parts.removeFirst().lowercased()] : Self.commonHosts
    repository = parts.joined(separator: "/")
    self.number = number
    kind = text[mark] == "!" ? .change : nil
  }

  private init?(address: String) {
    let words: [Substring: Kind] = [
      "issues": .issue, "work_items": .issue, "pull": .change, "pulls": .change, "merge_requests": .change,
    ]
    guard let host = WebAddress.host(address), let path = WebAddress.path(address) else { return nil }
    let parts = path.split(separator: "/")
    let place = parts.indices.dropLast().last { words[parts[$0]] != nil && Self.number(parts[$0 + 1]) != nil }
    guard let place, let number = Self.number(parts[place + 1]) else { return nil }
    // GitLab separates the project from what belongs to it by `/-/`.
    let repository = parts[..<place].filter { $0 != "-" }
    guard repository.count >= 2 else { return nil }
    hosts = [host]
    self.repository = repository.joined(separator: "/")
    self.number = number
    kind = words[parts[place]]
  }

  private static func number(_ text: Substring) -> Int64? {
    text.utf8.allSatisfy(ASCII.isDigit) ? Int64(text) : nil
  }

  private static func isName(_ part: Substring) -> Bool {
    !part.isEmpty && part.utf8.allSatisfy { ASCII.isLetterOrDigit($0) || "-._".utf8.contains($0) }
  }
}
