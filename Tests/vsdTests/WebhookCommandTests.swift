import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Runs `vsperf webhooks` against servers that play the vendors.
@Suite("vsperf webhooks")
struct WebhookCommandTests {
  private static let address = "https://vs.example.org/github"
  private static let none = ["GH_TOKEN": "", "GITHUB_TOKEN": "", "GITLAB_TOKEN": ""]

  private static func run(
    _ server: VendorServer, _ arguments: [String], environment: [String: String] = ["GITHUB_TOKEN": "t"]
  ) throws -> VSPerf.Result {
    let place = ["--repository", "acme/site", "--enterprise-domain", server.url]
    return try VSPerf.run(["webhooks"] + arguments + place, environment: none.merging(environment) { $1 })
  }

  private static func create(_ server: VendorServer, _ arguments: String...) throws -> VSPerf.Result {
    try run(
      server, ["create", "github", "--url", address] + arguments,
      environment: ["GITHUB_TOKEN": "t", "VS_GITHUB_SECRET": "wave,old"])
  }

  @Test(
    "create makes the webhook through broken answers and limits; a second run makes none", arguments: VendorServer.Fault.allCases)
  func create(fault: VendorServer.Fault) throws {
    let gitHub = GitHubHookServer { $0.isOfToday = true }
    let server = try VendorServer(fault: { $0 == 0 ? fault : nil }, answer: gitHub.answer)
    // Errors of GraphQL are none of REST.
    guard fault != .graphQLLimit, fault != .graphQLTimeout else { return }
    let result = try Self.create(server)
    #expect(result.exit == .code(0), "\(result.errors)")
    #expect(
      result.output.hasPrefix(
        "made webhook 1 of the repository acme/site to https://vs.example.org/github\n  its ping was answered 200\n"))
    #expect(gitHub.state.hooks.map(\.secret) == ["wave"])
    #expect(!(result.output + result.errors).contains("wave"))
    #expect(server.violations == 0)
    let again = try Self.create(server)
    #expect(again.exit == .code(0) && again.output.contains("already, with all that vsd needs"))
    #expect(gitHub.state.hooks.count == 1)
  }

  @Test("check tells what to do with exit code 78, create --update does it, list shows all")
  func check() throws {
    let gitHub = GitHubHookServer { state in
      state.hooks = [
        .init(id: 1, url: "https://hooks.other.example/services/T0/secret-path", events: ["push"]),
        .init(id: 2, url: Self.address, events: ["push"], secret: nil),
      ]
      state.isOfToday = true
    }
    let server = try VendorServer(answer: gitHub.answer)
    let bad = try Self.run(server, ["check", "github"])
    #expect(bad.exit == .code(78))
    #expect(bad.output.contains("- it does not send check_run,") && bad.output.contains("- it has no secret"))
    #expect(bad.output.contains("vsperf webhooks create github --update"))
    #expect(try Self.create(server).exit == .code(78))
    #expect(try Self.create(server, "--update").exit == .code(0))
    let good = try Self.run(server, ["check", "github", "--url", Self.address])
    #expect(
      good.exit == .code(0) && good.output == "webhook 2 of the repository acme/site to \(Self.address): has all that vsd needs\n"
    )
    let list = try Self.run(server, ["list", "github"])
    #expect(
      list.output.hasPrefix(
        "the repository acme/site: 2 webhooks\n  1  https://hooks.other.example/...  on, secret\n      push\n"))
    #expect(!list.output.contains("secret-path"))
  }

  @Test("heal asks for what failed and says how many")
  func heal() throws {
    let now = SystemClock().now()
    let gitHub = GitHubHookServer { state in
      state.hooks = [.init(id: 2, url: Self.address, events: ["push"])]
      state.isOfToday = true
      state.deliveries = (1...300).map { id in
        .init(
          id: id, guid: "g\(id)", event: id == 7 ? "star" : "push", time: now.advanced(bySeconds: Double(id - 400) * 60),
          status: id % 100 == 7 ? 502 : 200)
      }
    }
    let server = try VendorServer(answer: gitHub.answer)
    let dry = try Self.run(server, ["heal", "github", "--dry-run"])
    #expect(
      dry.output == "webhook 2 of the repository acme/site to \(Self.address): read 300 deliveries; 2 events did not arrive\n")
    #expect(gitHub.state.asked.isEmpty)
    let result = try Self.run(server, ["heal", "github"])
    #expect(result.exit == .code(0) && gitHub.state.asked == [107, 207])
    #expect(result.output.hasSuffix("; asked again for 2; 1 more failed, of types that vsd does not read\n"))
    #expect(
      try Self.run(server, ["heal", "github"]).output.hasSuffix(
        "read 302 deliveries; nothing that vsd reads is missing; 1 more failed, of types that vsd does not read\n"))
  }

  @Test(
    "Whoever lacks something is told what",
    arguments: [
      (["create", "github"], "where is vsd? --url https://HOST/github"),
      (["create", "github", "--url", "https://vs.example.org/"], "must end with /github"),
      (["create", "github", "--url", "https://vs.example.org/github"], "VS_GITHUB_SECRET"),
      (["create", "github", "--url", "nonsense"], "an address such as https://vs.example.org/github"),
    ])
  func mistakes(arguments: [String], told: String) throws {
    let server = try VendorServer { _ in .json("{}", status: 500) }
    let result = try Self.run(server, arguments)
    #expect(result.exit == .code(64) && result.errors.contains(told), "\(result.errors)")
    #expect(server.requests.isEmpty)
  }

  @Test("A token without the right, an address that answers with a page, and no token at all")
  func refusals() throws {
    let gitHub = GitHubHookServer { $0.refusal = 403 }
    let forbidden = try Self.run(try VendorServer(answer: gitHub.answer), ["list", "github"])
    #expect(forbidden.exit == .code(69) && forbidden.errors.contains("the scope admin:repo_hook (classic)"))
    let page = try VendorServer { _ in
      HTTPResponse(status: 200, headers: ["Content-Type": "text/html"], body: Array("<html>".utf8))
    }
    let html = try Self.run(page, ["check", "github"])
    #expect(html.exit == .code(69) && html.errors.contains("a web page and not JSON"))
    let anonymous = try Self.run(page, ["check", "github"], environment: [:])
    #expect(anonymous.exit == .code(64) && anonymous.errors.contains("GitHub wants a token"))
  }

  @Test("GitLab, Jira and Trello")
  func others() throws {
    let gitLab = GitLabHookServer()
    let server = try VendorServer(answer: gitLab.answer)
    let flags = ["--project", "acme/site", "--gitlab-url", server.url]
    let made = try VSPerf.run(
      ["webhooks", "create", "gitlab", "--url", "https://vs.example.org/gitlab"] + flags,
      environment: Self.none.merging(["GITLAB_TOKEN": "t", "VS_GITLAB_SECRET": "wave"]) { $1 })
    #expect(made.exit == .code(0) && made.output.contains("its ping was answered 200"), "\(made.errors)")
    let checked = try VSPerf.run(
      ["webhooks", "check", "gitlab"] + flags, environment: Self.none.merging(["GITLAB_TOKEN": "t"]) { $1 })
    #expect(checked.exit == .code(0))

    let jira = try VendorServer { request in
      guard request.headers["Authorization"]?.hasPrefix("Basic ") == true else { return .json("{}", status: 401) }
      return .json(request.method == "GET" ? "[]" : #"{"self":"x/1","url":"https://vs.example.org/jira","events":[]}"#)
    }
    let site = ["--jira-url", jira.url, "--user", "tal@acme.example"]
    let lacking = try VSPerf.run(
      ["webhooks", "create", "jira", "--url", "https://vs.example.org/jira"] + site,
      environment: ["VS_JIRA_TOKEN": "t", "VS_JIRA_SECRET": "wave"])
    #expect(lacking.exit == .code(78) && lacking.output.contains("made webhook 1") && lacking.output.contains("it does not send"))
    let unhealed = try VSPerf.run(["webhooks", "heal", "jira"] + site, environment: ["VS_JIRA_TOKEN": "t"])
    #expect(unhealed.exit == .code(69) && unhealed.errors.contains("vsperf import --help"))

    let trello = try VendorServer { request in
      if request.target.hasPrefix("/1/boards/HbrS1te0") { return .json(#"{"id":"b1"}"#) }
      guard request.method == "POST" else { return .json("[]") }
      return HTTPResponse(
        status: 400, headers: ["Content-Type": "text/plain"],
        body: Array("URL (https://vs.example.org/trello) did not return 200 status code, got 502".utf8))
    }
    let away = try VSPerf.run(
      [
        "webhooks", "create", "trello", "--board", "HbrS1te0", "--key", "k", "--url", "https://vs.example.org/trello",
        "--trello-url", trello.url,
      ],
      environment: ["VS_TRELLO_TOKEN": "ATTAsecret"])
    #expect(away.exit == .code(69) && away.errors.contains("did not return 200 status code, got 502; vsd must run"))
    #expect(!(away.output + away.errors).contains("ATTAsecret"))
  }
}
