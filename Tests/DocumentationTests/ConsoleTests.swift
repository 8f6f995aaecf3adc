import Foundation
import Testing

/// Runs the commands on documentation pages and compares their output with what the page shows.
///
/// In a block ` ```console `, a line that begins with `$ ` is a command, `> ` continues it, and the lines below are its
/// expected output. In the output, `…` matches any text, `…` alone on a line matches any number of lines, and a time matches
/// any time.
///
/// All blocks of a page run in order, in one directory, against a fresh vsd whose address replaces `127.0.0.1:5000`. After a command
/// that sends a history, the run waits until reports count all of it.
///
/// Two HTML comments control the run: `<!-- vsd VARIABLE=value --flag=value -->` sets the environment and flags of vsd, and
/// `<!-- save as NAME -->` above a block saves the block as a file.
@Suite("Commands in the documentation")
struct ConsoleTests {
  struct Step {
    var command: String
    var expected: [String] = []
    var line: Int
  }

  private static let shownAddress = "127.0.0.1:5000"

  static let pages = MarkdownPage.all.filter { page in page.blocks.contains { $0.language == "console" } }

  @Test("Commands print what the page shows", arguments: pages)
  func console(page: MarkdownPage) throws {
    let steps = Self.steps(of: page)
    let missing = try Self.programs(of: page).filter { try !Self.isInstalled($0) }
    try #require(missing.isEmpty, "not installed: \(missing.joined(separator: ", ")); Scripts/bootstrap test installs them")
    let daemon = try Self.daemon(for: page)
    for block in page.blocks {
      guard let name = block.comment?.wholeMatch(of: /save as (.*)/)?.output.1 else { continue }
      let text = block.text.replacing(Self.shownAddress, with: daemon.address)
      try text.write(to: daemon.directory.appendingPathComponent(String(name)), atomically: true, encoding: .utf8)
    }
    let mark = "=== \(UUID().uuidString)"
    let script = steps.map { "printf '%s\\n' '\(mark)'\n\($0.command)\necho\n\(Self.wait(after: $0))" }.joined()
    let printed = try daemon.run(script.replacing(Self.shownAddress, with: daemon.address))
      .replacing(daemon.address, with: Self.shownAddress)
    let outputs = printed.components(separatedBy: mark + "\n").dropFirst()
    #expect(outputs.count == steps.count)
    for (step, output) in zip(steps, outputs) {
      let lines = output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
      if Self.match(lines[...], step.expected[...]) { continue }
      Issue.record("\(page.path):\(step.line) \(step.command)\nprinted:\n\(lines.joined(separator: "\n"))")
    }
  }

  private static func wait(after step: Step) -> String {
    guard step.command.contains("--send") else { return "" }
    let isCounted = "curl -sS http://\(shownAddress)/api/v1/reports/dora | grep -q '\"complete\":true'"
    return "until \(isCounted); do sleep 0.1; done\n"
  }

  // MARK: Pages

  static func steps(of page: MarkdownPage) -> [Step] {
    var steps: [Step] = []
    for block in page.blocks where block.language == "console" {
      for (index, line) in block.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        if line.hasPrefix("$ ") {
          steps.append(Step(command: String(line.dropFirst(2)), line: block.line + 1 + index))
        } else if steps.isEmpty {
          continue
        } else if line.hasPrefix("> ") {
          steps[steps.count - 1].command += "\n" + line.dropFirst(2)
        } else {
          let text = line.trimmingCharacters(in: .whitespaces)
          if !text.isEmpty { steps[steps.count - 1].expected.append(text) }
        }
      }
    }
    return steps
  }

  private static func daemon(for page: MarkdownPage) throws -> RunningDaemon {
    let words = page.text.firstMatch(of: /<!-- vsd (.*) -->/)?.output.1.split(separator: " ").map(String.init) ?? []
    let variables = words.filter { !$0.hasPrefix("-") }.compactMap { word -> (String, String)? in
      let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
      return parts.count == 2 ? (parts[0], parts[1]) : nil
    }
    return try RunningDaemon(
      words.filter { $0.hasPrefix("-") }, environment: Dictionary(variables) { first, _ in first })
  }

  // MARK: Programs

  /// The programs that a page needs and that a machine with a Swift toolchain may lack.
  private static func programs(of page: MarkdownPage) -> [String] {
    let run = page.blocks.filter { $0.language == "console" || $0.comment?.hasPrefix("save as ") == true }
    let words = Set(run.flatMap { $0.text.split { !$0.isLetter && !$0.isNumber } })
    return ["curl", "openssl", "jq", "python3"].filter { words.contains($0[...]) }
  }

  private static func isInstalled(_ program: String) throws -> Bool {
    try RunningDaemon.path().split(separator: ":").contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }
  }

  // MARK: Comparison

  private static func match(_ lines: ArraySlice<String>, _ expected: ArraySlice<String>) -> Bool {
    guard let first = expected.first else { return lines.isEmpty }
    if first == "…" {
      return (lines.startIndex...lines.endIndex).contains { match(lines[$0...], expected.dropFirst()) }
    }
    guard let line = lines.first, match(line, first) else { return false }
    return match(lines.dropFirst(), expected.dropFirst())
  }

  private static func match(_ line: String, _ pattern: String) -> Bool {
    let (line, pattern) = (timeless(line), timeless(pattern))
    let parts = pattern.components(separatedBy: "…")
    guard let first = parts.first, let last = parts.last, line.hasPrefix(first) else { return false }
    if parts.count == 1 { return line == first }
    var rest = line.dropFirst(first.count)
    for part in parts.dropFirst().dropLast() {
      guard let range = rest.firstRange(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(last)
  }

  private static func timeless(_ text: String) -> String {
    text.replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/, with: "<a time>")
  }
}
