/// Finds the line of each key in a JSON5 configuration file, and of the first syntax error.
///
/// Foundation's decoder reads the values but does not report lines. This parser follows the same grammar only to find them.
struct ConfigurationLines {
  /// The line of each key, from 1. Keys of nested objects include the outer keys: `jaeger-sampler-type`.
  private(set) var ofKeys: [String: Int] = [:]
  /// The first syntax error; nil if there is none.
  private(set) var mistake: Mistake?

  struct Mistake: Error, Hashable {
    var line: Int
    var reason: String
  }

  private let bytes: [UInt8]
  private var index = 0
  private var line = 1

  private static let depthLimit = 64

  init(_ bytes: [UInt8]) {
    self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    do throws(Mistake) {
      skipSpace()
      guard next == UInt8(ascii: "{") else { throw mistake("expected { at the beginning") }
      try readValue(key: "", depth: 0)
      skipSpace()
      if next != nil { throw mistake("something follows the last }") }
    } catch {
      mistake = error
    }
  }

  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  private func mistake(_ reason: String) -> Mistake { Mistake(line: line, reason: reason) }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  private mutating func step() {
    if next == UInt8(ascii: "\n") { line += 1 }
    index += 1
  }

  /// Skips white space and comments.
  private mutating func skipSpace() {
    while let byte = next {
      if byte == UInt8(ascii: "/"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "/") {
        while let byte = next, byte != UInt8(ascii: "\n") { index += 1 }
      } else if byte == UInt8(ascii: "/"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "*") {
        index += 2
        while next != nil, !(next == UInt8(ascii: "*") && index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "/")) {
          step()
        }
        index = min(index + 2, bytes.count)
      } else if byte <= UInt8(ascii: " ") {
        step()
      } else {
        return
      }
    }
  }

  private mutating func readValue(key: String, depth: Int) throws(Mistake) {
    skipSpace()
    if depth > Self.depthLimit { throw mistake("objects and lists are nested too deep") }
    switch next {
    case UInt8(ascii: "{"): try readObject(prefix: key.isEmpty ? "" : key + "-", depth: depth)
    case UInt8(ascii: "["): try readList(key: key, depth: depth)
    case UInt8(ascii: "\""), UInt8(ascii: "'"): _ = try readText()
    default:
      let word = readWord()
      let isNumber = word.utf8.first.map {
        $0 &- 48 < 10 || [UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ".")].contains($0)
      }
      if isNumber == true || ["true", "false", "null", "Infinity", "NaN"].contains(word) { return }
      throw mistake(word.isEmpty ? "expected a value\(Self.of(key))" : "\(word) is no value; a text stands in quotes")
    }
  }

  private mutating func readObject(prefix: String, depth: Int) throws(Mistake) {
    _ = take("{")
    while true {
      skipSpace()
      if take("}") { return }
      let start = line
      let isQuoted = next == UInt8(ascii: "\"") || next == UInt8(ascii: "'")
      let name = isQuoted ? try readText() : readWord()
      if name.isEmpty { throw mistake(next == nil ? "a { is not closed" : "expected a key or }") }
      ofKeys[prefix + name] = start
      skipSpace()
      guard take(":") else { throw mistake("expected : after the key \(name)") }
      try readValue(key: prefix + name, depth: depth + 1)
      skipSpace()
      if take(",") { continue }
      guard take("}") else {
        throw mistake(next == nil ? "a { is not closed" : "expected a comma or } after the value\(Self.of(name))")
      }
      return
    }
  }

  private mutating func readList(key: String, depth: Int) throws(Mistake) {
    _ = take("[")
    while true {
      skipSpace()
      if take("]") { return }
      try readValue(key: key, depth: depth + 1)
      skipSpace()
      if take(",") { continue }
      guard take("]") else {
        throw mistake(next == nil ? "a [ is not closed" : "expected a comma or ] in the list\(Self.of(key))")
      }
      return
    }
  }

  private mutating func readText() throws(Mistake) -> String {
    let (quote, start, begin) = (next, index + 1, line)
    index += 1
    while let byte = next, byte != quote {
      if byte == UInt8(ascii: "\n") { throw Mistake(line: begin, reason: "a text is not closed") }
      if byte == UInt8(ascii: "\\") { step() }
      if next != nil { step() }
    }
    guard next != nil else { throw Mistake(line: begin, reason: "a text is not closed") }
    defer { index += 1 }
    return String(decoding: bytes[start..<index], as: UTF8.self)
  }

  /// Reads the characters of a bare key or a number.
  private mutating func readWord() -> String {
    let start = index
    let others = Array("_$+-.".utf8)
    while let byte = next, (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 || byte >= 0x80 || others.contains(byte) { index += 1 }
    return String(decoding: bytes[start..<index], as: UTF8.self)
  }

  private static func of(_ key: String) -> String { key.isEmpty ? "" : " of \(key)" }
}

extension ConfigurationLines {
  /// The place of a key for messages, such as `vsd.json5, line 3`; only the path if the key is not found.
  func place(of key: String, in path: String) -> String {
    ofKeys[key].map { "\(path), line \($0)" } ?? path
  }
}
