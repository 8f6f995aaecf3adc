import ValueStreamCore

/// A delivery of a year-long history that is not written yet.
struct YearStep {
  var time: Timestamp
  var path: String
  /// The headers that depend on the vendor and the event; a delivery id comes on top.
  var headers: HTTPHeaders
  /// The header that holds the delivery id; nil if the vendor sends none.
  var idHeader: String?
  var body: (inout JSONWriter) -> Void
}

extension JSONWriter {
  mutating func whole(_ name: String, _ time: Timestamp?) { member(name, time?.wholeSeconds) }
}

/// The ids that vendors give to accounts.
enum YearAccount {
  static func id(of login: String) -> Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in login.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return 100_000_000 + Int64(hash % 80_000_000)
  }
}
