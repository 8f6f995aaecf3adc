import Foundation
import Testing

@Suite("Links and names in the documentation")
struct LinkTests {
  @Test("Links between pages lead to files and headings", arguments: MarkdownPage.all)
  func links(page: MarkdownPage) throws {
    for link in page.links {
      let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let folder = (page.path as NSString).deletingLastPathComponent
      let target =
        parts[0].isEmpty ? page.path : ((folder as NSString).appendingPathComponent(parts[0]) as NSString).standardizingPath
      let isThere = FileManager.default.fileExists(atPath: MarkdownPage.root.appendingPathComponent(target).path)
      #expect(isThere, "\(page.path) links to \(link)")
      guard isThere, parts.count > 1 else { continue }
      #expect(try MarkdownPage(path: target).anchors.contains(parts[1]), "\(page.path) links to \(link)")
    }
  }

  @Test("The README leads to the map of the documentation, and the map to every page")
  func reachable() throws {
    let map = try MarkdownPage.page("Docs/README.md")
    #expect(try MarkdownPage.page("README.md").links.contains(map.path))
    for page in MarkdownPage.all where page.path.hasPrefix("Docs/") && page.path != map.path {
      let link = String(page.path.dropFirst("Docs/".count))
      #expect(map.links.contains { $0 == link || $0.hasPrefix(link + "#") }, "\(map.path) does not link to \(page.path)")
    }
  }

  @Test("Files of this repository that pages name are there", arguments: MarkdownPage.all.filter { $0.path != "CHANGELOG.md" })
  func namedFiles(page: MarkdownPage) {
    for match in page.prose.matches(of: #/`((?:Sources|Tests|Scripts|Packaging|Docs)/[A-Za-z0-9_+./-]+)/#) {
      let isThere = FileManager.default.fileExists(atPath: MarkdownPage.root.appendingPathComponent(String(match.output.1)).path)
      #expect(isThere, "\(page.path) names \(match.output.1)")
    }
  }

  @Test("The tests that Docs/develop/numbers.md names are in the files that it links to")
  func namedTests() throws {
    let page = try MarkdownPage.page("Docs/develop/numbers.md")
    let links = page.text.matches(of: /\[([^\]]+)\]\(\.\.\/\.\.\/(Tests\/[^)]+\.swift)\)/)
    #expect(links.count > 100)
    for link in links {
      let file = try String(contentsOf: MarkdownPage.root.appendingPathComponent(String(link.output.2)), encoding: .utf8)
      for name in link.output.1.matches(of: /`([A-Za-z0-9]+)`/).map(\.output.1) {
        #expect(file.contains("func \(name)("), "\(link.output.2) has no \(name)")
      }
    }
  }

  @Test("Pictures on pages are there, are small, and have a text for those who cannot see them", arguments: MarkdownPage.all)
  func pictures(page: MarkdownPage) throws {
    let folder = MarkdownPage.root.appendingPathComponent((page.path as NSString).deletingLastPathComponent)
    for match in page.prose.matches(of: /(?:src|srcset)="([^"]+)"|!\[([^\]]*)\]\(([^)\s]+)\)/) {
      let path = String(match.output.1 ?? match.output.3 ?? "")
      let size = try? FileManager.default.attributesOfItem(atPath: folder.appendingPathComponent(path).path)[.size] as? Int
      #expect(size.map { $0 < 150_000 } ?? false, "\(page.path) shows \(path), of \(size ?? 0) bytes")
      #expect(match.output.2?.isEmpty != true, "\(page.path) shows \(path) without a text")
    }
    for match in page.prose.matches(of: /<img [^>]*>/) {
      #expect(match.output.contains("alt=\""), "\(page.path): \(match.output)")
    }
  }

  @Test("Targets of make that pages name are in the Makefile", arguments: MarkdownPage.all)
  func makeTargets(page: MarkdownPage) throws {
    let makefile = try String(contentsOf: MarkdownPage.root.appendingPathComponent("Makefile"), encoding: .utf8)
    for match in page.text.matches(of: /(?m)(?:^|`)make ([a-z][a-z-]*)/) {
      #expect(makefile.contains("\n\(match.output.1):"), "\(page.path) names make \(match.output.1)")
    }
  }

  /// A block below `<!-- file: Tests/EmbeddingExample/QuaylineSource.swift -->` must equal that file.
  @Test("Code that pages take from a file is the file", arguments: MarkdownPage.all)
  func includedFiles(page: MarkdownPage) throws {
    for block in page.blocks {
      guard let name = block.comment?.wholeMatch(of: /file: (.*)/)?.output.1 else { continue }
      let file = try String(contentsOf: MarkdownPage.root.appendingPathComponent(String(name)), encoding: .utf8)
      #expect(block.text == file, "\(page.path):\(block.line) is not \(name)")
    }
  }
}
