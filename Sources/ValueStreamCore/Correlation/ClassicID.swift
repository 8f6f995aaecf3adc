/// Classic ids: `vstrace-<source>-<type>-<namespace>-<id>`, as people put them into branch names and descriptions.
public enum ClassicID {
  /// Builds the classic id of a subject. The parts are not escaped.
  public static func make(source: String, type: String, namespace: String, id: String) -> String {
    "vstrace-\(source)-\(type)-\(namespace)-\(id)"
  }

  /// Returns the first text that may be a classic id, including any text directly behind it. Nil if there is none.
  ///
  /// The form alone does not show where an id ends (`vstrace-github-issue-r-1-fix`), so look up the ``candidates(in:)``
  /// of the result.
  public static func find(in text: String) -> String? {
    let prefix = Array("vstrace-".utf8)
    let bytes = Array(text.utf8)
    guard bytes.count > prefix.count else { return nil }
    for start in 0...(bytes.count - prefix.count) where bytes[start] == prefix[0] && bytes[start...].starts(with: prefix) {
      let reach = min(start + lengthLimit, bytes.count)
      let end = bytes[start..<reach].firstIndex { !isPart($0) } ?? reach
      let found = String(decoding: bytes[start..<end], as: UTF8.self)
      if !candidates(in: found).isEmpty { return found }
    }
    return nil
  }

  /// The maximum length of an id with the text behind it, in bytes.
  private static let lengthLimit = 512

  /// Returns up to 32 ids that a found text may stand for, longest first. Cuts at `-`, `.` or `_` from the right.
  public static func candidates(in found: String) -> [String] {
    var result: [String] = []
    var found = found
    found.withUTF8 { bytes in
      forEachCandidate(in: bytes) { result.append(String(decoding: bytes[..<$0], as: UTF8.self)) }
    }
    return result
  }

  /// The number of ``candidates(in:)``.
  static func candidateCount(in found: String) -> Int {
    var count = 0
    var found = found
    found.withUTF8 { forEachCandidate(in: $0) { _ in count += 1 } }
    return count
  }

  /// Calls the closure with the length of each candidate in bytes, longest first. Reads each byte at most twice.
  private static func forEachCandidate(in bytes: UnsafeBufferPointer<UInt8>, _ body: (Int) -> Void) {
    let dash = UInt8(ascii: "-")
    var dashes = bytes.reduce(0) { $1 == dash ? $0 + 1 : $0 }
    var end = bytes.count
    func dropLast() {
      end -= 1
      if bytes[end] == dash { dashes -= 1 }
    }
    for _ in 0..<32 {
      while end > 0, isSeparator(bytes[end - 1]) { dropLast() }
      // An id has at least five parts: vstrace, source, type, namespace and id.
      guard dashes >= 4 else { return }
      body(end)
      while end > 0, !isSeparator(bytes[end - 1]) { dropLast() }
    }
  }

  private static func isPart(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: isSeparator(byte)
    }
  }

  private static func isSeparator(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
  }
}
