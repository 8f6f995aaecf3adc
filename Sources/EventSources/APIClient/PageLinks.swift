package import ValueStreamCore

/// The links of a page to others, from the header `Link` (RFC 8288).
package struct PageLinks: Sendable, Hashable {
  private var addresses: [String: String] = [:]

  package init(_ headers: HTTPHeaders) {
    guard let text = headers["Link"] else { return }
    // Each link begins with its address in angle brackets.
    for part in text.split(separator: "<", omittingEmptySubsequences: false).dropFirst() {
      guard let end = part.firstIndex(of: ">"), let name = Self.relation(part[end...]) else { continue }
      addresses[name] = String(part[..<end])
    }
  }

  /// Reads `; rel="next"`.
  private static func relation(_ parameters: Substring) -> String? {
    guard let range = parameters.firstRange(of: "rel=") else { return nil }
    let value = parameters[range.upperBound...].drop { $0 == "\"" }
    return String(value.prefix { !"\"; ,".contains($0) })
  }

  /// The address of the next page; nil on the last one.
  package var next: String? { addresses["next"] }

  /// The number of the last page, where pages have numbers.
  package var lastNumber: Int? { addresses["last"].flatMap { Self.parameter("page", of: $0) }.flatMap { Int($0) } }

  /// Returns the value of a query parameter as it stands in an address, percent-encoded.
  package static func parameter(_ name: String, of address: String) -> String? {
    guard let question = address.firstIndex(of: "?") else { return nil }
    let query = address[address.index(after: question)...].prefix { $0 != "#" }
    return query.split(separator: "&").lazy.filter { $0.hasPrefix("\(name)=") }.first.map { String($0.dropFirst(name.count + 1)) }
  }
}
