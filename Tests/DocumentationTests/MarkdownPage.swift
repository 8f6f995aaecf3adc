import Foundation
import Testing

/// A page of the documentation, taken apart as far as the tests need it.
struct MarkdownPage: CustomTestStringConvertible {
  /// A fenced block.
  struct Block {
    /// `swift` or `console`.
    var language: String
    /// The HTML comment directly above it; nil where there is none.
    var comment: String?
    var text: String
    /// Line of the opening fence, from 1.
    var line: Int
  }

  /// From the root of the checkout: `Docs/operate/settings.md`.
  let path: String
  let text: String
  let blocks: [Block]
  /// What stands outside fenced blocks.
  let prose: String

  init(path: String) throws {
    self.path = path
    text = try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
    var blocks: [Block] = []
    var prose: [String] = []
    var open: Block?
    var comment: String?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.hasPrefix("```") {
        if let block = open {
          blocks.append(block)
          open = nil
          comment = nil
        } else {
          open = Block(language: String(line.dropFirst(3)), comment: comment, text: "", line: index + 1)
        }
      } else if open != nil {
        open?.text += line + "\n"
      } else {
        prose.append(String(line))
        if !line.isEmpty { comment = line.wholeMatch(of: /<!-- (.*) -->/).map { String($0.output.1) } }
      }
    }
    self.blocks = blocks
    self.prose = prose.joined(separator: "\n")
  }

  var testDescription: String { path }

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The pages at the root and all below `Docs`.
  static let all: [MarkdownPage] = {
    let atRoot = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
    let docs = FileManager.default.enumerator(atPath: root.appendingPathComponent("Docs").path)
    let below = (docs?.allObjects as? [String] ?? []).map { "Docs/\($0)" }
    return (atRoot + below).filter { $0.hasSuffix(".md") }.sorted().compactMap { try? MarkdownPage(path: $0) }
  }()

  static func page(_ path: String) throws -> MarkdownPage { try MarkdownPage(path: path) }

  // MARK: Tables

  /// The rows of all tables, each as its cells without surrounding space; head and rule included.
  var tableRows: [[String]] {
    prose.split(separator: "\n").filter { $0.hasPrefix("|") && $0.hasSuffix("|") }.map { line in
      let inner = line.dropFirst().dropLast().replacing("\\|", with: "\u{0}")
      return inner.split(separator: "|", omittingEmptySubsequences: false).map {
        $0.replacing("\u{0}", with: "|").trimmingCharacters(in: .whitespaces)
      }
    }
  }

  /// The rows whose first cell names this as code.
  func rows(for name: String) -> [[String]] {
    tableRows.filter { $0.first?.contains("`\(name)`") == true }
  }

  // MARK: Links

  /// Anchors of the headings, as GitHub makes them.
  var anchors: Set<String> {
    let headings = prose.split(separator: "\n").compactMap { $0.wholeMatch(of: /#+ (.*)/) }
    return Set(
      headings.map { heading in
        heading.output.1.lowercased().compactMap { character in
          if character == " " { return "-" }
          return character.isLetter || character.isNumber || character == "-" || character == "_" ? String(character) : nil
        }.joined()
      })
  }

  /// Targets of links, apart from those to other sites.
  var links: [String] {
    prose.matches(of: /\]\(([^)\s]+)\)/).map { String($0.output.1) }.filter { !$0.contains("://") }
  }
}
