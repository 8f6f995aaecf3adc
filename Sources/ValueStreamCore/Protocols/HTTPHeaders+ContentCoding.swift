extension HTTPHeaders {
  /// True if the client of a request accepts gzip.
  ///
  /// Source: RFC 9110, section 12.5.3. `x-gzip` is gzip, and `*` stands for every coding that the field does not name.
  package var acceptsGzip: Bool {
    var quality: Double?
    var qualityOfOthers: Double?
    for field in fields where field.name.lowercased() == "accept-encoding" {
      for range in field.value.split(separator: ",") {
        let parts = range.split(separator: ";").map { $0.trimmed.lowercased() }
        guard let coding = parts.first else { continue }
        let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
        switch coding {
        case "gzip", "x-gzip": quality = max(quality ?? 0, weight)
        case "*": qualityOfOthers = weight
        default: break
        }
      }
    }
    return (quality ?? qualityOfOthers ?? 0) > 0
  }

  /// Names a request header in `Vary`, on which the response depends.
  package mutating func addVary(_ name: String) {
    guard let known = self["Vary"] else {
      self["Vary"] = name
      return
    }
    let names = known.split(separator: ",").map { $0.trimmed.lowercased() }
    if !names.contains(name.lowercased()), !names.contains("*") { self["Vary"] = "\(known), \(name)" }
  }
}
