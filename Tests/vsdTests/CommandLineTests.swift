import Catalog
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("The command line of vsd")
struct CommandLineTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

  @Test("help is a page for people", arguments: ["--help", "-help", "-h"])
  func help(flag: String) throws {
    let (exit, output, errors) = try VSDProcess.run([flag])
    #expect(exit == .code(0))
    #expect(errors == "")
    Golden.expect(output, matches: "\(Self.folder)/help.txt")
    // The first page of help must fit on the screen of a small terminal.
    #expect(output.split(separator: "\n", omittingEmptySubsequences: false).count <= 41)
  }

  @Test("help all has every flag", arguments: [["--help", "all"], ["-h", "all"]])
  func allHelp(arguments: [String]) throws {
    let (exit, output, errors) = try VSDProcess.run(arguments)
    #expect(exit == .code(0))
    #expect(errors == "")
    Golden.expect(output, matches: "\(Self.folder)/help-all.txt")
  }

  @Test("the version is one line", arguments: ["--version", "-version"])
  func version(flag: String) throws {
    let (exit, output, errors) = try VSDProcess.run([flag])
    #expect(exit == .code(0))
    #expect(errors == "")
    #expect(output == "vsd \(ValueStreamVersion.current) (not a release)\n")
  }

  /// Every flag with a valid value.
  private static let values = SourceCatalog.all.map { (name: "\($0.name)-secret-file", value: "FILE") } + otherValues

  private static let otherValues: [(name: String, value: String)] = [
    ("config", "FILE"), ("addr", "127.0.0.1:0"), ("admin-addr", "127.0.0.1:0"), ("listening-file", "FILE"), ("read-token", "tok"),
    ("operator-token", "tok"), ("operator-token-file", "FILE"), ("import-secret-file", "FILE"),
    ("public-url", "https://vsd.example.org/vsd"), ("max-body", "1MiB"), ("trusted-proxy", "10.0.0.7,10.1.0.0/16"),
    ("tracer", "mock"), ("t", "mock"), ("store", "memory"), ("settle", "1s"), ("attributes", "classic"), ("log-retention", "1d"),
    ("log-max-size", "1GiB"), ("span-retention", "90d"), ("fact-retention", "900d"),
    ("production", "prod-*"), ("teams", "shop=acme/*"), ("hotfix", "hotfix/*"), ("time-zone", "Europe/Berlin"),
    ("failure-rules", "incident,revert"), ("verdict-after", "2h"), ("blame-within", "3d"), ("active-statuses", "Doing"),
    ("waiting-statuses", "Ready"), ("metric-series-limit", "10"), ("metric-size", "1MiB"),
    ("incident-labels", "sev*"), ("bots", "harbour-*"), ("service-deploys", "cart=cart-*,till=acme/shop:till"),
    ("service-paths", "cart=services/cart/*"), ("github-deploy-workflows", "Deploy site=production,release-*.yml"),
    ("log-level", "INFO"),
    ("jenkins-deploy-jobs", "deploy-*"),
    ("jenkins-environment-parameters", "stage"), ("jenkins-service-parameters", "app"), ("jenkins-unstable", "success"),
    ("jenkins-url", "https://ci.example/"), ("jira-started-statuses", "Ready"),
    ("jira-undelivered-resolutions", "Abandoned"), ("trello-done-lists", "Live,Done*"), ("trello-abandoned-lists", "Won't do"),
    ("trello-archived", "completed"), ("trello-due-complete", "done"),
    ("trello-callback-url", "https://vs.example/trello"),
    ("trace-strategy", "linked"), ("phases", "spans"), ("otlp-endpoint", "http://localhost:1"),
    ("otlp-traces-endpoint", "http://localhost:1/x"),
    ("otlp-timeout", "5s"), ("otlp-compression", "none"), ("otlp-certificate", "FILE"), ("otlp-client-certificate", "FILE"),
    ("otlp-client-key", "FILE"), ("otlp-resource-attributes", "team=web"),
    ("otlp-protocol", "http/json"), ("export-backlog", "2d"), ("service-names", "delivery,github=code"),
    ("jaeger-endpoint", "http://localhost:1"),
    ("jaeger-service-name", "delivery"), ("jaeger-tags", "team=web"), ("jaeger-user", "me"), ("tracer-access-token", "abc"),
    ("lightstep-endpoint", "http://localhost:1"), ("datadog-agent-url", "http://localhost:1"),
    ("datadog-agent-host", "localhost"), ("datadog-agent-port", "1"), ("datadog-service", "delivery"),
    ("datadog-env", "test"), ("datadog-version", "7"), ("datadog-tags", "team:web"),
    ("zipkin-endpoint", "http://localhost:1/api/v2/spans"), ("heal", "acme,acme/site"), ("heal-token-file", "FILE"),
    ("heal-interval", "1h"), ("heal-url", "http://localhost:1/github"), ("heal-domain", "http://localhost:1"),
    ("heal-app", "7"), ("heal-app-key-file", "FILE"), ("heal-gitlab", "acme/site,group:acme"), ("heal-gitlab-token-file", "FILE"),
    ("heal-gitlab-url", "http://localhost:1/gitlab"), ("heal-gitlab-server", "http://localhost:1"),
  ]

  @Test(
    "every flag takes one dash or two, with = or a space",
    arguments: [("-", "="), ("--", "="), ("-", " "), ("--", " ")])
  func spellings(dashes: String, separator: String) throws {
    let home = try VSDProcess.Home()
    var files = ["config": try home.write("vsd.json5", "{}")]
    files["listening-file"] = "\(home.path)/listening"
    for (name, _) in Self.values where name.hasSuffix("-secret-file") || name.hasSuffix("-token-file") {
      files[name] = try home.write(name, "one")
    }
    files["heal-app-key-file"] = try home.write("app.pem", HealTests.key)
    // The token and its file exclude each other.
    let arguments = Self.values.filter { $0.name != "operator-token" }.flatMap { name, value in
      let value = files[name] ?? value
      return separator == "=" ? ["\(dashes)\(name)=\(value)"] : ["\(dashes)\(name)", value]
    }
    let vsd = try VSDProcess(arguments, in: home)
    #expect(vsd.ports.count == 2)
    #expect(try vsd.stop() == .code(0))
  }

  @Test("that list of flags is the one help shows")
  func completeness() throws {
    let help = try VSDProcess.run(["--help", "all"]).output
    let shown = help.matches(of: /(?m)^  (--.*?) [^ ,]+    VS_/).flatMap { match in
      match.output.1.split(separator: ", ").map { String($0.drop { $0 == "-" }) }
    }
    #expect(Set(shown) == Set(Self.values.map(\.name)))
  }

  @Test("a flag beats its variable, which beats the configuration file; the file is JSON with comments")
  func precedence() throws {
    let home = try VSDProcess.Home()
    let file = try home.write(
      "vsd.json5",
      """
      // for this test
      {
        tracer: "mock", /* a bare key */
        addr: "not an address",
        "max-body": 64, // a number
        read: {token: 'from the file'},
        github: {secret: ["one", "two"]},
      }
      """)
    let vsd = try VSDProcess(
      ["--config", file, "--addr=127.0.0.1:0"], environment: ["VS_ADDR": "nor this", "VS_MAX_BODY": "1MiB"], in: home)
    #expect(try vsd.get("/metrics").status == 401)
    #expect(try vsd.get("/metrics", headers: ["Authorization": "Bearer from the file"]).status == 200)
    #expect(try vsd.get("/mocktracer/finished-spans").status == 200)
    let body = Payloads.issue("opened", number: 1)
    for secret in ["one", "two", "three"] {
      let headers = ["X-GitHub-Event": "issues", "X-Hub-Signature-256": gitHubSignature(of: body, secret: secret)]
      #expect(try vsd.post("/github", body, headers: headers).prefix(3) == (secret == "three" ? "401" : "200"))
    }
  }

  @Test("the file named by its variable is read too")
  func fileFromEnvironment() throws {
    let home = try VSDProcess.Home()
    let file = try home.write("vsd.json5", #"{tracer: "mock"}"#)
    let vsd = try VSDProcess(environment: ["VS_CONFIG": file], in: home)
    #expect(try vsd.get("/mocktracer/finished-spans").body == "[]")
  }
}
