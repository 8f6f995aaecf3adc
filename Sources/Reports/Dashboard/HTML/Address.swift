import ValueStreamCore

/// An address inside the dashboard: a path and a query, both encoded as needed.
struct Address: Hashable {
  struct Item: Hashable {
    var name: String
    var value: String
  }

  /// The parts of the path, decoded. Empty for the first page.
  var path: [String]
  var query: [Item] = []

  init(_ path: String...) {
    self.path = path
  }

  /// Returns the address with one more query item; unchanged if the value is nil.
  func adding(_ name: String, _ value: String?) -> Address {
    guard let value else { return self }
    var address = self
    address.query.append(Item(name: name, value: value))
    return address
  }

  /// Returns the address with this query item in place of all of the same name; nil removes them.
  func setting(_ name: String, _ value: String?) -> Address {
    var address = self
    address.query.removeAll { $0.name == name }
    return address.adding(name, value)
  }

  /// The path and the query, percent-encoded.
  var text: String {
    var text = ""
    for part in path { text += "/" + PercentEncoding.encode(part) }
    if path.isEmpty { text = "/" }
    for (index, item) in query.enumerated() {
      text += index == 0 ? "?" : "&"
      text += PercentEncoding.encode(item.name) + "=" + PercentEncoding.encode(item.value)
    }
    return text
  }
}

/// An address of another site that a payload names. Only `http` and `https` pass, with a host.
struct WebLink: Hashable {
  let address: String
  let host: String

  init?(_ address: String?) {
    guard let address, address.utf8.count <= 2000, address.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != 0x5C }),
      ["https://", "http://"].contains(where: { address.lowercased().hasPrefix($0) }), let host = WebAddress.host(address)
    else { return nil }
    self.address = address
    self.host = host
  }
}
