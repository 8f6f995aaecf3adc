import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// A delivery story: who does what, when and in which tool, and the expected traces.
///
/// Each file in `Scenarios` holds one story. Lines that begin with `--` are flags of vsd, a line `becomes` separates the
/// steps from the expected traces, and lines that begin with `#` are comments.
struct Scenario: Sendable, CustomTestStringConvertible {
  let name: String
  /// Flags of vsd that the story needs.
  let settings: [String]
  let steps: [ScenarioStep]
  /// The expected traces, one span per line, with children indented below their parent.
  let expected: [String]

  var testDescription: String { name }

  static let all = Result {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Scenarios")
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".txt") }.sorted().map {
      try Scenario(named: String($0.dropLast(4)), text: String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8))
    }
  }

  private init(named name: String, text: String) throws {
    self.name = name
    let lines = text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    guard let middle = lines.firstIndex(of: "becomes") else { throw ScenarioError("\(name): no line says \"becomes\"") }
    settings = lines[..<middle].filter { $0.hasPrefix("--") }
    steps = try lines[..<middle].filter { !$0.hasPrefix("--") }.map { line in
      do { return try ScenarioStep(line) } catch { throw ScenarioError("\(name): \(error)") }
    }
    expected = Array(lines[(middle + 1)...])
  }

  /// Returns the deliveries that the tools would send, in order.
  func deliveries() throws -> [Delivery] {
    var world = ScenarioWorld()
    return try steps.flatMap { step in
      do { return try world.deliveries(of: step) } catch { throw ScenarioError("\(name): \(step.line): \(error)") }
    }
  }
}

/// One step of a story, such as `05 10:00 github acme/site pull 12 opened branch=discount head=a1`.
struct ScenarioStep: Sendable {
  let line: String
  /// The time in UTC, in March 2024, by the clock of the tool.
  let time: Timestamp
  let vendor: String
  /// The repository, project or job.
  let place: String
  /// The words that describe the step, without options.
  let words: [String]
  private let options: [String: String]

  init(_ line: String) throws {
    self.line = line
    var tokens = Self.tokens(of: line)
    guard tokens.count >= 4, let time = Self.time(day: tokens[0], hour: tokens[1]) else {
      throw ScenarioError("\(line): expected day, time, vendor and place")
    }
    self.time = time
    vendor = tokens[2]
    place = tokens[3]
    tokens.removeFirst(4)
    words = tokens.filter { !$0.contains("=") }
    options = Dictionary(
      uniqueKeysWithValues: tokens.filter { $0.contains("=") }.map { token in
        let parts = token.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), String(parts[1]))
      })
  }

  subscript(option: String) -> String? { options[option] }

  func word(_ index: Int) throws -> String {
    guard words.indices.contains(index) else { throw ScenarioError("expected more words") }
    return words[index]
  }

  func number(_ index: Int) throws -> Int {
    guard let number = Int(try word(index)) else { throw ScenarioError("expected a number instead of \(words[index])") }
    return number
  }

  /// Reads an option as a time of the step's day or of another day: `until=10:15`, `until="06 10:15"`.
  func time(_ option: String) -> Timestamp? {
    guard let text = self[option] else { return nil }
    let parts = text.split(separator: " ").map(String.init)
    return Self.time(day: parts.count == 2 ? parts[0] : String(line.prefix(2)), hour: parts[parts.count - 1])
  }

  private static func time(day: String, hour: String) -> Timestamp? {
    Timestamp(rfc3339: "2024-03-\(day)T\(hour):00Z")
  }

  /// Splits a line at spaces that are not inside quotation marks.
  private static func tokens(of line: String) -> [String] {
    var tokens: [String] = []
    var token = ""
    var isQuoted = false
    for character in line {
      if character == "\"" {
        isQuoted.toggle()
      } else if character == " ", !isQuoted {
        if !token.isEmpty { tokens.append(token) }
        token = ""
      } else {
        token.append(character)
      }
    }
    return token.isEmpty ? tokens : tokens + [token]
  }
}

struct ScenarioError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
