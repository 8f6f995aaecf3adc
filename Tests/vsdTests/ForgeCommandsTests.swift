import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Tests what differs between the commands. `GitHubPullRequestsTests` tests what they share.
@Suite("vsperf commands for forges, trackers and build servers")
struct ForgeCommandsTests {
  private static let workHeader = "owner,repo,created_at,started_at,finished_at,outcome,duration,ID,author,url,title,"

  private static func run(
    _ arguments: [String], _ server: VendorServer, environment: [String: String] = [:]
  ) throws -> (lines: [String], errors: String) {
    let none = ["GH_TOKEN": "", "GITHUB_TOKEN": "", "GITLAB_TOKEN": ""]
    let flag = arguments[0] == "github" ? "--enterprise-domain" : "--url"
    let result = try VSPerf.run(arguments + [flag, server.url], environment: none.merging(environment) { $1 })
    #expect(result.exit == .code(0), "\(result.errors)")
    return (result.output.split(separator: "\n").map(String.init), result.errors)
  }

  private static func server(
    _ fault: VendorServer.Fault, at number: Int, answer: @escaping @Sendable (LoopbackReceiver.Request) -> HTTPResponse
  ) throws -> VendorServer {
    try VendorServer(fault: { $0 == number ? fault : nil }, answer: answer)
  }

  @Test("gitlab merge-requests")
  func gitLab() throws {
    let server = try Self.server(.badGateway, at: 1) { request in
      let body = String(decoding: request.body, as: UTF8.self)
      guard request.target == "/api/graphql", request.headers["Authorization"] == "Bearer glpat" else {
        return .json("{}", status: 401)
      }
      if body.contains("group(") { return .json(#"{"data":{"group":{"projects":{"nodes":[{"fullPath":"acme/web/site"}]}}}}"#) }
      let isFirst = body.contains(#""after":null"#)
      return .json(
        #"""
        {"data":{"project":{"mergeRequests":{"count":2,"pageInfo":{"hasNextPage":\#(isFirst),"endCursor":"x"},
        "nodes":[{"iid":"\#(isFirst ? 2 : 1)","title":"t","createdAt":"2026-11-24T08:00:00Z","mergedAt":"2026-11-24T10:00:00Z"}]}}}}
        """#)
    }
    let result = try Self.run(
      ["gitlab", "merge-requests", "--group=acme", "--columns=all"], server, environment: ["VS_GITLAB_TOKEN": "glpat"])
    #expect(result.lines[0].hasPrefix("owner,repo,created_at,merged,duration,comments,"))
    #expect(result.lines.count == 3)
    #expect(result.lines[1].hasPrefix("acme/web,site,2026-11-24T08:00:00Z,true,7200,"))
    #expect(result.errors.hasPrefix("page=1 is_last=false repo=site org=acme/web rows=1\n"))
  }

  @Test("jira issues")
  func jira() throws {
    let server = try Self.server(.secondaryLimit, at: 2) { request in
      guard request.headers["Authorization"] == "Basic dGFsOng=" else { return .json("{}", status: 401) }
      if request.target.hasSuffix("/status") {
        return .json(#"[{"id":"3","name":"Doing","statusCategory":{"key":"indeterminate"}}]"#)
      }
      if request.target.hasSuffix("/bulkfetch") { return .json(#"{"issueChangeLogs":[]}"#) }
      let isFirst = !String(decoding: request.body, as: UTF8.self).contains("nextPageToken")
      return .json(
        #"""
        {"issues":[{"id":"\#(isFirst ? 1 : 2)","key":"SHOP-1","fields":{"created":"2026-11-24T08:00:00Z","status":{"id":"3","name":"Doing"},
        "project":{"key":"SHOP"}}}]\#(isFirst ? #","nextPageToken":"x""# : "")}
        """#)
    }
    let result = try Self.run(
      ["jira", "issues", "--project", "SHOP", "--user=tal"], server, environment: ["VS_JIRA_TOKEN": "x"])
    #expect(result.lines[0].hasPrefix(Self.workHeader + "key,"))
    #expect(result.lines.count == 3)
    #expect(result.lines[1].contains("127.0.0.1,SHOP,2026-11-24T08:00:00Z,2026-11-24T08:00:00Z,,doing,"))
    #expect(server.violations == 0)
    let chosen = try Self.run(
      ["jira", "issues", "--project", "SHOP", "--user=tal", "--columns=key,created_at"], server,
      environment: ["VS_JIRA_TOKEN": "x"])
    #expect(chosen.lines == ["key,created_at", "SHOP-1,2026-11-24T08:00:00Z", "SHOP-1,2026-11-24T08:00:00Z"])
  }

  @Test("jenkins builds")
  func jenkins() throws {
    let server = try VendorServer { request in
      guard request.headers["Authorization"] == nil else { return .json("{}", status: 401) }
      if request.target.hasPrefix("/api/json") {
        return .json(#"{"jobs":[{"fullName":"shop","jobs":[{"fullName":"shop/build"}]}]}"#)
      }
      return .json(#"{"allBuilds":[{"number":7,"result":"FAILURE","timestamp":1795990000000,"duration":60000}]}"#)
    }
    let result = try Self.run(["jenkins", "builds"], server)
    #expect(result.lines[0] == Self.workHeader + "number,branch,commit,cause")
    #expect(
      result.lines.dropFirst() == [
        "shop,build,2026-11-29T22:06:40Z,2026-11-29T22:06:40Z,2026-11-29T22:07:40Z,failure,60,7,,,,7,,,"
      ])
    let chosen = try Self.run(["jenkins", "builds", "--columns=number,duration"], server)
    #expect(chosen.lines == ["number,duration", "7,60"])
  }

  @Test("github issues, deployments and workflow-runs")
  func gitHub() throws {
    let node = #"{"id":"X","createdAt":"2026-11-24T08:00:00Z","closedAt":"2026-11-24T09:00:00Z","state":"CLOSED"}"#
    let gitHub = GitHubGraphQL(
      organization: "acme", repositories: ["site"], connections: ["issues": ["site": [node]], "deployments": ["site": [node]]])
    let server = try VendorServer { request in
      guard request.target.hasPrefix("/api/v3/repos/acme/site/actions/runs?") else { return gitHub.answer(request) }
      return .json(#"{"total_count":1,"workflow_runs":[{"id":5,"status":"in_progress","created_at":"2026-11-24T08:00:00Z"}]}"#)
    }
    for (command, columns, row) in [
      ("issues", "number,updated_at", "acme,site,2026-11-24T08:00:00Z,,2026-11-24T09:00:00Z,closed,3600,X,"),
      ("deployments", "environment,ref,", "acme,site,2026-11-24T08:00:00Z,,,closed,"),
      ("workflow-runs", "workflow,event,", "acme,site,2026-11-24T08:00:00Z,,,in_progress,,5,"),
    ] {
      let result = try Self.run(["github", command, "--org=acme", "--repo=*"], server, environment: ["GH_TOKEN": "x"])
      #expect(result.lines.count == 2)
      #expect(result.lines[0].hasPrefix(Self.workHeader + columns), "\(command)")
      #expect(result.lines[1].hasPrefix(row), "\(command): \(result.lines[1])")
    }
  }

  @Test("a record that is null costs its own row and no other, a line says so, and the exit code is 75")
  func nulls() throws {
    let node = #"{"id":"X","createdAt":"2026-11-24T08:00:00Z","closedAt":"2026-11-24T09:00:00Z","state":"CLOSED","author":null}"#
    let gitHub = GitHubGraphQL(
      organization: "acme", repositories: ["site", "app"],
      connections: ["issues": ["site": [node, "null", node, node], "app": [node]]])
    let server = try VendorServer { gitHub.answer($0) }
    let arguments = ["github", "issues", "--org=acme", "--repo=site", "--repo=app", "--enterprise-domain", server.url]
    let result = try VSPerf.run(arguments, environment: ["GH_TOKEN": "x"])
    #expect(result.exit == .code(75))
    #expect(result.output.split(separator: "\n").count == 5)
    #expect(result.errors.contains("vsperf: acme/site: 1 record is missing: the answer has null in its place\n"))
    #expect(result.errors.hasSuffix("vsperf: 1 record could not be read by the server; all others are written\n"))
    #expect(server.requests.count < 6)
  }

  @Test("columns are chosen by their names, of any file")
  func columns() throws {
    let node = #"{"id":"X","number":7,"createdAt":"2026-11-24T08:00:00Z","closedAt":"2026-11-24T09:00:00Z","title":"=1+1"}"#
    let gitHub = GitHubGraphQL(
      organization: "acme", repositories: ["site"], connections: ["issues": ["site": [node]], "pullRequests": ["site": [node]]])
    let server = try VendorServer { gitHub.answer($0) }
    for command in ["issues", "pull-requests"] {
      let words = ["github", command, "--org=acme", "--repo=site"]
      let result = try Self.run(words + ["--columns=number,title,duration"], server, environment: ["GH_TOKEN": "x"])
      #expect(result.lines == ["number,title,duration", "7,'=1+1,3600"])
      let kept = try Self.run(
        words + ["--columns=title", "--keep-formulas"], server, environment: ["GH_TOKEN": "x"])
      #expect(kept.lines == ["title", "=1+1"])
      let wrong = try VSPerf.run(
        words + ["--columns=tittle", "--enterprise-domain", server.url], environment: ["GH_TOKEN": "x"])
      #expect(wrong.exit == .code(64))
      #expect(
        wrong.errors.hasPrefix("vsperf: --columns: there is no column tittle (did you mean title?); there are owner, repo, "))
    }
  }

  @Test(
    "what is missing is said in one line",
    arguments: [
      (["gitlab", "merge-requests"], "which projects? --project PATH, or --group PATH for all of a group"),
      (
        ["gitlab", "merge-requests", "--group=a"],
        "GitLab wants a token: make one with the scope read_api at https://gitlab.com/-/user_settings/personal_access_tokens, and set "
      ),
      (["jira", "issues"], "which site? --url https://acme.atlassian.net"),
      (["jira", "issues", "--url=https://a.atlassian.net"], "which issues? --project KEY, or --jql for a search"),
      (
        ["jira", "issues", "--url=https://a.atlassian.net", "--project=A"],
        "Jira wants a token: make one at https://id.atlassian.com/"
      ),
      (["jenkins", "builds"], "which Jenkins? --url https://ci.example.org"),
      (
        ["jenkins", "builds", "--url=ci"],
        "flag --url: \"ci\" is not an address such as https://jenkins.example.org, without a user"
      ),
      (
        ["jenkins", "builds", "--url=https://tal:hunter2@ci.example.org"],
        "flag --url: the value is not an address such as https://jenkins.example.org, without a user"
      ),
      (
        ["github", "issues", "--repo=a/b", "--enterprise-domain=tal:hunter2@git.example"],
        "flag --enterprise-domain: the value is not a domain such as github.example.org, without a user and without a path"
      ),
      (
        ["github", "issues", "--repo=a/b", "--enterprise-domain=git.example/api/v3"],
        "flag --enterprise-domain: \"git.example/api/v3\" is not a domain such as github.example.org"
      ),
      (
        ["jenkins", "builds", "--url=https://ci.example.org", "--user=tal:hunter2"], "flag --user: the value is not a user's name"
      ),
      (["github", "issues", "--repo=acme/site"], "GitHub wants a token: "),
      (["github", "pull-request"], "there is no command \"github pull-request\" (did you mean pull-requests?)"),
    ])
  func mistakes(arguments: [String], says: String) throws {
    let result = try VSPerf.run(arguments, environment: ["GH_TOKEN": "", "GITHUB_TOKEN": "", "GITLAB_TOKEN": ""])
    #expect(result.exit == .code(64))
    #expect(result.errors.hasPrefix("vsperf: \(says)"), "\(result.errors)")
    #expect(!result.errors.contains("hunter2"))
    #expect(result.errors.split(separator: "\n").count == 1)
  }
}
