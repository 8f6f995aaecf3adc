import Testing
import ValueStreamCore

@testable import Dashboard

@Suite("Page Connect")
struct ConnectPageTests {
  private static func text(_ host: String, publicURL: String? = nil) throws -> String {
    let samples = try DashboardSamples(change: { $0.publicURL = publicURL })
    return String(decoding: samples.get("/connect", headers: ["Host": host]).body, as: UTF8.self)
  }

  @Test(
    "addresses that only this machine reaches say so, and name the flag for others",
    arguments: ["127.0.0.1:5011", "localhost", "[::1]:5000"])
  func local(host: String) throws {
    let html = try Self.text(host)
    #expect(html.contains("Only this machine reaches <bdi>\(host)</bdi>"))
    #expect(html.contains("<code>--public-url</code>"))
    #expect(html.contains("<code class=\"copy\"><bdi>http://\(host)/customhttp</bdi></code>"))
  }

  @Test("another address is that of the browser, and a set one needs no word")
  func others() throws {
    let html = try Self.text("vsd.example:5000")
    #expect(html.contains("The addresses begin as the one in your browser does.") && !html.contains("Only this machine"))
    let set = try Self.text("127.0.0.1:5000", publicURL: "https://tools.example/vsd/")
    #expect(!set.contains("Only this machine") && !set.contains("--public-url"))
    #expect(set.contains("<bdi>https://tools.example/vsd/github</bdi>"))
  }

  @Test("scripts get a command, and a refusal has its time on a line of its own")
  func rows() throws {
    let html = try Self.text("vsd.example:5000")
    #expect(html.contains("vsperf event run --event-source-url http://vsd.example:5000/customhttp --namespace"))
    #expect(html.contains("<p class=\"quiet\">last <time"))
    #expect(!html.contains(">, last"))
  }
}
