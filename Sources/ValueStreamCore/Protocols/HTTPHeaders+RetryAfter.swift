extension HTTPHeaders {
  /// Returns the delay that `Retry-After` asks for, in seconds. Nil if the header is missing or invalid.
  ///
  /// The header holds a number of seconds or a date (RFC 9110, section 10.2.3). A date in the past gives 0.
  package func retryAfterSeconds(now: Timestamp) -> Double? {
    guard let text = self["Retry-After"] else { return nil }
    if let seconds = Double(text), text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }) { return seconds }
    return HTTPDate.parse(text).map { max(0, $0.seconds(since: now)) }
  }

  /// The time of the sender's clock from `Date` (RFC 9110, section 6.6.1). Nil if the header is missing or invalid.
  package var date: Timestamp? { self["Date"].flatMap(HTTPDate.parse) }
}

/// Parses HTTP dates: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
private enum HTTPDate {
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  static func parse(_ text: String) -> Timestamp? {
    let words = text.split(separator: " ")
    guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else { return nil }
    let number = month + 1
    return Timestamp(rfc3339: "\(words[3])-\(number < 10 ? "0" : "")\(number)-\(words[1])T\(words[4])Z")
  }
}
