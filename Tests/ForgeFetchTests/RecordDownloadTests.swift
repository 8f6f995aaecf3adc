import APIClient
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import ForgeFetch

@Suite("Downloads of records")
struct RecordDownloadTests {
  private static let pages = ["acme/a": 3, "acme/b": 1, "acme/c": 0, "acme/d": 2]

  private static func download(_ source: PageSource, to path: String, settings: [String] = ["x"], isResumed: Bool = false)
    async throws
  {
    let download = try RecordDownload(
      to: path, fingerprint: settings, isResumed: isResumed, progress: FetchProgress(name: "test", isTerminal: false) { _ in })
    try await download.run(
      source, .init(rowLimit: nil, concurrency: 2, rowLimitFlag: "max-rows"), head: Array("row,length\n".utf8)
    ) { rows in Array(rows.map { $0.joined(separator: ",") + "\n" }.joined().utf8) }
  }

  private static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  private static func lines(_ path: String) throws -> Set<Substring> { Set(try text(path).split(separator: "\n")) }

  @Test("write the head once, then the rows of all containers in order")
  func whole() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("a.csv")
    try await Self.download(PageSource(pages: ["acme/a": 2, "acme/b": 1]), to: path)
    #expect(try Self.text(path) == "row,length\nacme/a0a,6\nacme/a0b,6\nacme/a1a,6\nacme/a1b,6\nacme/b0a,6\nacme/b0b,6\n")
    #expect(try directory.files(in: ".") == ["a.csv"], "no state is left")
  }

  @Test(
    "an interrupted download that is resumed gives the rows of an undisturbed one",
    arguments: [("acme/a", 0), ("acme/a", 1), ("acme/a", 2), ("acme/b", 0), ("acme/d", 1)]) func resumed(
      container: String, page: Int
    ) async throws
  {
    let directory = try TemporaryDirectory()
    let (whole, broken) = (directory.file("whole.csv"), directory.file("broken.csv"))
    try await Self.download(PageSource(pages: Self.pages), to: whole)
    // A wrong token concerns every container, a container that is gone only itself.
    for code in [APIError.Code.unauthorized, .notFound] {
      try? FileManager.default.removeItem(atPath: broken)
      let failing = PageSource(pages: Self.pages, failures: [container: (page, APIError(code, "no"))])
      await #expect(throws: FetchError.self) { try await Self.download(failing, to: broken) }
      #expect(try Self.text(broken).hasSuffix("\n"), "only whole rows")
      try await Self.download(PageSource(pages: Self.pages), to: broken, isResumed: true)
      #expect(try Self.lines(broken) == Self.lines(whole))
      #expect(try Self.text(broken).utf8.count == Self.text(whole).utf8.count, "no row twice")
      #expect(try directory.files(in: ".") == ["broken.csv", "whole.csv"])
    }
  }

  @Test("a state with other settings, or a damaged one, is not resumed")
  func otherSettings() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("a.csv")
    let failing = PageSource(pages: Self.pages, failures: ["acme/b": (0, APIError(.unauthorized, "no"))])
    await #expect(throws: FetchError.self) { try await Self.download(failing, to: path) }
    await #expect { try await Self.download(PageSource(pages: Self.pages), to: path, settings: ["y"], isResumed: true) } throws: {
      ($0 as? FetchError)?.code == .otherSettings
    }
    try "{".write(toFile: "\(path).resume", atomically: false, encoding: .utf8)
    await #expect { try await Self.download(PageSource(pages: Self.pages), to: path, isResumed: true) } throws: {
      ($0 as? FetchError)?.code == .damagedState
    }
  }

  @Test("a file that lost rows since is not continued")
  func shortened() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("a.csv")
    let failing = PageSource(pages: Self.pages, failures: ["acme/b": (0, APIError(.unauthorized, "no"))])
    await #expect(throws: FetchError.self) { try await Self.download(failing, to: path) }
    try "row".write(toFile: path, atomically: false, encoding: .utf8)
    await #expect { try await Self.download(PageSource(pages: Self.pages), to: path, isResumed: true) } throws: {
      ($0 as? OutputError)?.code == .tooShort
    }
  }
}
