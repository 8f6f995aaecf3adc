import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Runs vsd against a server that plays GitHub and sends deliveries again.
@Suite("vsd --heal")
struct HealTests {
  private static let address = "https://vs.example.org/github"

  @Test("vsd asks for what it missed, gets it, and shows its token to nobody")
  func daemon() throws {
    let now = SystemClock().now()
    let gitHub = GitHubHookServer { state in
      state.hooks = [.init(id: 2, url: Self.address, events: ["push"])]
      state.isOfToday = true
      state.deliveries = (1...4).map { id in
        .init(
          id: id, guid: "g\(id)", event: id == 4 ? "star" : "issues", time: now.advanced(bySeconds: Double(id - 100) * 60),
          status: id == 3 ? 200 : 502)
      }
      state.receiverStatus = 502
    }
    let server = try VendorServer(answer: gitHub.answer)
    let vsd = try VSDProcess(
      ["--tracer=none", "--heal=acme/site", "--heal-domain", server.url, "--heal-interval=1s", "--heal-url", Self.address],
      environment: ["VS_HEAL_TOKEN": "ghp_hidden"])
    let port = try #require(vsd.ports.first)
    gitHub.change { state in
      state.receiver = { delivery in
        let body = """
          {"action": "opened", "repository": {"id": 1, "name": "site", "full_name": "acme/site"},
          "issue": {"number": \(delivery.guid.dropFirst()), "title": "t", "created_at": "2026-11-02T09:00:00Z"}}
          """
        let headers = ["X-GitHub-Event": delivery.event, "X-GitHub-Delivery": delivery.guid, "Content-Type": "application/json"]
        let response = try? HTTPConnection(port: port).request("POST", "/github", headers: headers, body: body)
        return response?.status ?? 0
      }
    }
    let spans = try vsd.wait(for: "the lost deliveries") {
      let spans = try vsd.json("/api/v1/spans?source=github")["spans"]?.list ?? []
      return spans.count == 2 ? spans : nil
    }
    #expect(Set(spans.compactMap { $0["key"]?.text }) == ["github:github.com:1:issue:1", "github:github.com:1:issue:2"])
    let metrics = try vsd.wait(for: "a run that finds nothing lost") {
      let metrics = try MetricsText(try vsd.get("/metrics").body)
      return metrics.value("valuestream_heal_lost_deliveries") == 0
        && metrics.value("valuestream_heal_runs_total{result=\"success\"}") ?? 0 > 1 ? metrics : nil
    }
    let asked = metrics.value("valuestream_heal_redeliveries_total{result=\"asked\"}") ?? 0
    #expect(asked >= 2 && gitHub.state.asked.count == Int(asked))
    _ = try vsd.waitForLine("what was asked for") { $0["msg"] == "asked again for lost deliveries of the repository acme/site" }
    #expect(try vsd.stop() == .code(0))
    #expect(!vsd.printed.contains("ghp_hidden"))
  }

  @Test("vsd asks GitLab, and GitHub as an App, beside each other")
  func others() throws {
    let home = try VSDProcess.Home()
    let gitHub = GitHubHookServer { state in
      state.hooks = [.init(id: 2, url: Self.address, events: ["push"])]
      state.isOfToday = true
      state.deliveries = [
        .init(id: 1, guid: "g1", event: "issues", time: SystemClock().now().advanced(bySeconds: -600), status: 502)
      ]
    }
    let gitLab = GitLabHookServer { state in
      state.hooks = [["id": 3, "url": "https://vs.example.org/gitlab"]]
      state.events = [
        .init(id: 7, key: "k7", kind: "pipeline", status: "502"), .init(id: 8, key: "k8", kind: "wiki_page", status: "502"),
      ]
    }
    let (gitHubServer, gitLabServer) = (try VendorServer(answer: gitHub.answer), try VendorServer(answer: gitLab.answer))
    let vsd = try VSDProcess(
      [
        "--tracer=none", "--heal-app=7", "--heal-app-key-file", try home.write("key", Self.key), "--heal-domain",
        gitHubServer.url, "--heal-gitlab=acme/site", "--heal-gitlab-server", gitLabServer.url, "--heal-interval=1s",
        "--public-url=https://vs.example.org",
      ],
      environment: ["VS_HEAL_GITLAB_TOKEN": "glpat-hidden"])
    try vsd.wait(for: "what was asked for") { gitHub.state.asked == [1] && gitLab.state.resent == [7] ? true : nil }
    #expect(gitLabServer.requests.allSatisfy { $0.headers["Authorization"] == "Bearer glpat-hidden" })
    #expect(try vsd.stop() == .code(0))
    #expect(!vsd.printed.contains("glpat-hidden"))
  }

  @Test(
    "vsd starts only if it knows what to heal, and with what",
    arguments: [
      (["--heal=acme"], "needs a token in VS_HEAL_TOKEN or --heal-token-file", [:]),
      (["--heal=acme"], "needs --public-url or --heal-url", ["VS_HEAL_TOKEN": "t"]),
      (["--heal=a/b/c"], "organizations and repositories, such as acme,acme/site", ["VS_HEAL_TOKEN": "t"]),
      (["--heal=acme", "--heal-url=http://h/github"], "the token is empty", ["VS_HEAL_TOKEN": ""]),
      (["--heal-app=7"], "needs the key of the App in --heal-app-key-file", [:]),
      (["--heal-app=7", "--heal-app-key-file=none"], "cannot read the file none: it does not exist", [:]),
      (["--heal-gitlab=acme/site"], "needs a token in VS_HEAL_GITLAB_TOKEN or --heal-gitlab-token-file", [:]),
      (["--heal-gitlab=group:"], "projects and groups, such as acme/site,group:acme", [:]),
      (["--heal-gitlab=acme/site"], "needs --public-url or --heal-gitlab-url", ["VS_HEAL_GITLAB_TOKEN": "t"]),
    ] as [([String], String, [String: String])])
  func settings(arguments: [String], told: String, environment: [String: String]) throws {
    let home = try VSDProcess.Home()
    let child = try VSDProcess.start(arguments, environment: environment, in: home)
    #expect(try child.waitForExit() == .code(64))
    #expect(child.errors.contains(told), "\(child.errors)")
  }

  /// A key that nobody uses.
  static let key = """
    -----BEGIN RSA PRIVATE KEY-----
    MIICXQIBAAKBgQDTIN42aIWATRnha4kvEwCt1cOiv6ya2bp+vzg4MowsEdqIoGJ6
    S5WffM6ccX8AJoK2CwH5Ji2v+kp5GwWrD3LhTcRkM6INp48py17QjwGdh8e9jUMc
    po6owk6hGCkyF0iGaRsTn3vzpb2eMaP1XWanDNrJXDWkYmDF3tV1xOk6RQIDAQAB
    AoGAXrgOOWanDiqJA+LUxvPFiDew72ECtO4dhyOOu1eiH1tbKZSa2bbzR3wczX71
    tUGRvs4tcnO4Z4zowHBpGJdzt+PxfK09XcyNgskUt1+M4isd5+OkReBwvOXpT3go
    b8EBQiMs/CDiwuzGcFJ1Ua75Lrq+vzacOH4CtTpD/ZuYyQECQQDzkngU56bpD58+
    Khh9GBZtr67oxlXOVuqgUhJ7REQdXuDAHn3UNtsQWJlVQNp38xKYhVqQ0hZmz4qI
    gl+PlgyhAkEA3eaeqD6QGkHm9hxjVQpEoi6Zarl3zBenpVqzjVg1p/1MHVpqqUU8
    q0EjFVnJlrvQmi2tb/0m6JNqRrqGlUEHJQJBANxuzwwkRdMglz5cPINhvFKSL1ps
    vJUb5gUnoaA7POXTytU0Ay5+Yq0dcc9M/SqXKlosPbVY3Hs5EqfOTYuWAWECQQCo
    K5OqZl/HxpJHixQs6u9BCpfyrkUARB0l0Curv2JKwkjhJhkX2AU2tNLl53pD5msd
    reh3qx/Fu5Mbr1k33GSRAkAwPv350m8PTGB19lfiJt3gyqoCfZiFVOlowhV33Lqt
    4aGOr67sB/cYcxX8HJQa9hULoAIwyc43eKBGA18hkYY9
    -----END RSA PRIVATE KEY-----
    """
}
