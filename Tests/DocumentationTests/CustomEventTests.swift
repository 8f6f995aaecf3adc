import CustomHTTP
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Validates the custom events on documentation pages against the schema.
@Suite("Custom events in the documentation", .enabled(if: JSONSchemaValidator.isWanted, "the validator is not installed"))
struct CustomEventTests {
  static let validator = JSONSchemaValidator(schema: "Docs/sources/custom-http.schema.json")

  @Test("Events that stand in blocks of their own are valid, and taken")
  func blocks() throws {
    let page = try MarkdownPage.page("Docs/sources/custom-http.md")
    let bodies = page.blocks.filter { $0.language == "json" }.map(\.text)
    #expect(bodies.count >= 3)
    for (body, finding) in zip(bodies, try Self.validator.findings(in: bodies)) {
      #expect(finding == nil, "\(body)")
      let delivery = Delivery(source: "customhttp", received: .epoch, headers: [:], body: Array(body.utf8))
      #expect(throws: Never.self) { try CustomHTTPSource().events(in: delivery) }
    }
  }

  @Test("Events in commands are valid if they are answered so", arguments: MarkdownPage.all)
  func commands(page: MarkdownPage) throws {
    let sent = ConsoleTests.steps(of: page).filter { $0.command.contains("/customhttp ") || $0.command.contains("send.sh") }
    for step in sent {
      guard let body = step.command.firstMatch(of: /'([\[{].*[\]}])'/)?.output.1, let answer = step.expected.first else {
        continue
      }
      let finding = try Self.validator.findings(in: [String(body)])[0]
      #expect((finding == nil) == !answer.contains(":422"), "\(page.path):\(step.line) \(finding ?? "valid")")
    }
  }
}
