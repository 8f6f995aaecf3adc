import Catalog
import PayloadExplanation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Where a payload file comes from")
struct PayloadOriginTests {
  private static let ping = #"{"zen": "Keep it logically awesome.", "hook_id": 1, "hook": {}}"#

  private static func found(
    _ path: String, _ body: String = "{}", source: String? = nil, type: String? = nil
  ) throws -> (source: String, type: String?)? {
    let settings = try Settings(declared: SourceCatalog.classification, arguments: [], environment: [:])
    let origin = PayloadOrigin(among: try SourceCatalog.readers(settings), source: source, type: type)
    let found = origin.delivery(path: path, body: Array(body.utf8), received: StoreSamples.morning)
    return found.map { ($0.source.name, PayloadOrigin.type(of: $0.delivery)) }
  }

  @Test("the nearest folder with the name of a source tells the source", arguments: SourceCatalog.all.map(\.name))
  func folders(_ name: String) throws {
    #expect(try Self.found("/github/\(name)/a.json")?.source == name)
    #expect(try Self.found("/\(name.uppercased())/deep/a.json")?.source == name)
    #expect(try Self.found("/github/a.json", source: name)?.source == name)
  }

  @Test("the type is the given one, else in the name of the file or folder, else in the body")
  func types() throws {
    #expect(try Self.found("/github/issues.opened.json", type: "push")?.type == "push")
    #expect(try Self.found("/github/issues.opened.json", Self.ping)?.type == "issues")
    #expect(try Self.found("/github/push/3.json", Self.ping)?.type == "push")
    #expect(try Self.found("/github/3.json", Self.ping)?.type == "ping")
    #expect(try #require(try Self.found("/github/3.json")).type == nil)
  }

  @Test("a source whose bodies show their type gets no header for it")
  func bodies() throws {
    #expect(try #require(try Self.found("/gitlab/push.json", type: "push")).type == nil)
  }

  @Test("without a folder the body tells the source")
  func contents() throws {
    #expect(try Self.found("/a.json", Self.ping)?.source == "github")
    #expect(try Self.found("/a.json", "[") == nil)
  }
}
