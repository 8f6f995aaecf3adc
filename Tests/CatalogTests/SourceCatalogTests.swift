import Catalog
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("The catalog of sources")
struct SourceCatalogTests {
  private static let authenticator = SwiftMessageAuthenticator()
  private static let names = SourceCatalog.all.map(\.name)

  private static func factory(_ name: String) throws -> any SourceFactory {
    try #require(SourceCatalog.factory(named: name))
  }

  private static func settings(_ environment: [String: String] = [:]) throws -> Settings {
    try Settings(declared: SourceCatalog.classification + SourceCatalog.secrets, arguments: [], environment: environment)
  }

  @Test("no two sources share a name, a route or a setting")
  func distinct() {
    #expect(Set(Self.names).count == Self.names.count)
    #expect(Set(SourceCatalog.all.map(\.route)).count == Self.names.count)
    let settings = (SourceCatalog.classification + SourceCatalog.secrets).map(\.name)
    #expect(Set(settings).count == settings.count)
  }

  @Test("makes each source under the name and route of its factory", arguments: names)
  func makes(_ name: String) throws {
    let factory = try Self.factory(name)
    let source = try factory.makeSource(secrets: [], settings: Self.settings())
    #expect(source.name == name)
    #expect(source.route == factory.route)
    #expect(SourceCatalog.factory(at: source.route)?.name == name)
    #expect(source.acceptsUnsigned && factory.plain.acceptsUnsigned)
  }

  @Test("passes each source the secret of its setting", arguments: names)
  func secrets(_ name: String) throws {
    let factory = try Self.factory(name)
    let settings = try Self.settings([factory.secret.variable: "s", "VS_TRELLO_CALLBACK_URL": "https://vs.example/trello"])
    let sources = try SourceCatalog.sources(settings) { _ in nil }
    #expect(sources.filter { !$0.acceptsUnsigned }.map(\.name) == [name])
    #expect(try SourceCatalog.readers(settings).allSatisfy(\.acceptsUnsigned))
  }

  @Test("signs what the source accepts with the secret, and with no other", arguments: names)
  func signatures(_ name: String) throws {
    let factory = try Self.factory(name)
    let (body, secret) = (Array(#"{"a": 1}"#.utf8), try #require(Secret("right")))
    guard let field = factory.signature(of: body, secret: secret, using: Self.authenticator) else {
      // Only Trello itself knows with which secret it signs.
      return #expect(name == "trello")
    }
    let delivery = Delivery(
      source: name, received: StoreSamples.morning, headers: HTTPHeaders([field]), body: body)
    let source = try factory.makeSource(secrets: [secret], settings: Self.settings())
    try source.authenticate(delivery, using: Self.authenticator)
    let other = try factory.makeSource(secrets: [try #require(Secret("wrong"))], settings: Self.settings())
    #expect(throws: AuthenticationError(.mismatch, header: field.name)) {
      try other.authenticate(delivery, using: Self.authenticator)
    }
  }

  @Test("the log keeps the header that names the type of a delivery", arguments: names)
  func typeHeaders(_ name: String) throws {
    let factory = try Self.factory(name)
    guard let header = factory.typeHeader else { return #expect(factory.payloadTypes == nil) }
    #expect(factory.plain.keptHeaders.contains(header))
  }

  @Test("tells how to connect each source", arguments: names)
  func guides(_ name: String) throws {
    let guide = try Self.factory(name).guide
    #expect(!guide.title.isEmpty && guide.steps.hasSuffix("."))
    #expect(guide.link.map { WebAddress.host($0) != nil } ?? true)
    guard let line = guide.command?.line(address: "https://vs.example/\(name)") else { return }
    #expect(line.hasPrefix("vsperf ") && line.contains("https://vs.example/\(name)"))
  }
}
