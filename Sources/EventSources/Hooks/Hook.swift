package import ValueStreamCore

/// A webhook, as far as a vendor's API shows it.
package struct Hook: Sendable, Hashable {
  /// The id in the vendor's API.
  package var id: String
  package var address: String
  /// What the webhook is limited to within its place, in the vendor's words: a filter, or the id of a board. Nil if to
  /// nothing.
  package var scope: String?
  /// The events that it sends, in the vendor's words, sorted. Nil if the vendor offers no choice.
  package var events: [String]?
  /// False if somebody or the vendor has switched it off.
  package var isActive = true
  /// Why the vendor holds it back, or how often it failed. Nil if the vendor says nothing.
  package var trouble: String?
  /// The format of the body: `json` or `form`. Nil if the vendor offers no choice.
  package var contentType: String?
  /// Nil if the vendor does not tell.
  package var hasSecret: Bool?
  /// False if the vendor does not check the certificate of the receiver. Nil if it does not tell.
  package var verifiesCertificate: Bool?
  /// True if it sends events without their content.
  package var excludesBody = false
  package var lastAnswer: HookAnswer?

  package init(id: String, address: String) {
    self.id = id
    self.address = address
  }
}

/// What a receiver answered to a delivery.
package struct HookAnswer: Sendable, Hashable {
  /// The HTTP status; 0 if no answer came.
  package var status: Int
  /// The vendor's words for it: `OK`, `timed out`.
  package var text: String

  package init(status: Int, text: String = "") {
    self.status = status
    self.text = text
  }

  package var isSuccess: Bool { (200..<300).contains(status) }

  /// The answer for a message: `200`, or `no answer (timed out)`.
  package var description: String {
    let reason = text.isEmpty || text == "OK" ? "" : " (\(text))"
    return status == 0 ? "no answer\(reason)" : "\(status)"
  }
}

/// How a webhook must be for vsd.
package struct HookPlan: Sendable {
  package var address: String
  /// The events that vsd reads, in the vendor's words.
  package var events: [String]
  package var secret: Secret?
  /// What the webhook is limited to within its place; nil for nothing.
  package var scope: String?

  package init(address: String, events: [String], secret: Secret?, scope: String? = nil) {
    self.address = address
    self.events = events
    self.secret = secret
    self.scope = scope
  }
}

/// Compares the addresses of webhooks.
package enum HookAddress {
  /// True if two addresses lead to the same receiver. Letter case of the host, the default port and a slash at the end
  /// make no difference.
  package static func areSame(_ left: String, _ right: String) -> Bool { normalized(left) == normalized(right) }

  /// True if the path of an address ends with the name of a source, as vsd's routes do.
  package static func leadsTo(source: String, _ address: String) -> Bool {
    let path = WebAddress.path(address) ?? ""
    return path.split(separator: "/").last.map(String.init) == source
  }

  private static func normalized(_ address: String) -> String {
    guard let origin = WebAddress.origin(address), let rest = WebAddress.split(address)?.rest else { return address }
    var path = Substring(rest)
    while path.last == "/" { path.removeLast() }
    return "\(origin)/\(path)"
  }
}
