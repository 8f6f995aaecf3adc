import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// What each `vsperf import` says to a token without a right, to a place that is not there, to a page for people, to a wrong clock and
/// to a record that the server cannot read.
@Suite("vsperf import, when the server refuses")
struct ImportMistakeTests {
  struct Vendor: Sendable, CustomTestStringConvertible {
    var name: String
    var arguments: [String]
    /// The flag for the address of the server.
    var url = "--url"
    var environment: [String: String]
    /// What to do about a token without the right, and about a place that is not there.
    var right: String
    var place: String
    /// The answers of a server whose list of two records has a null between them, by a part of the address. The first that fits counts.
    var list: [(part: String, json: String)]
    /// The flag that chooses the records of this list, if the arguments choose others.
    var kind: String?

    var testDescription: String { name }
  }

  static let vendors = [
    Vendor(
      name: "github", arguments: ["--repo=acme/site", "--kinds=issues"], url: "--enterprise-domain",
      environment: ["GH_TOKEN": "t"], right: "the token needs the permission to read Issues",
      place: "check the name, and that the token may see the repository",
      list: [
        (
          "/releases?",
          #"[{"id":2,"tag_name":"v2","published_at":"2026-11-21T08:00:00Z","created_at":"2026-11-21T08:00:00Z"},null,"#
            + #"{"id":1,"tag_name":"v1","published_at":"2026-11-20T08:00:00Z","created_at":"2026-11-20T08:00:00Z"}]"#
        ),
        ("", #"{"id":7,"full_name":"acme/site","created_at":"2026-01-01T08:00:00Z","default_branch":"main"}"#),
      ], kind: "--kinds=releases"),
    Vendor(
      name: "gitlab", arguments: ["--project=acme/site", "--kinds=issues"], environment: ["GITLAB_TOKEN": "t"],
      right: "the token needs the scope read_api and the role Reporter",
      place: "check the path, and that the token may see the project",
      list: [
        (
          "/issues?",
          #"[{"id":71,"iid":4,"state":"opened","created_at":"2026-11-21T08:00:00Z","updated_at":"2026-11-21T08:00:00Z"},null,"#
            + #"{"id":70,"iid":3,"state":"opened","created_at":"2026-11-20T08:00:00Z","updated_at":"2026-11-20T08:00:00Z"}]"#
        ),
        ("/issues/", "[]"),
        ("", #"{"id":7,"path_with_namespace":"acme/site","web_url":"https://gitlab.com/acme/site","default_branch":"main"}"#),
      ]),
    Vendor(
      name: "jira", arguments: ["--project=SHOP", "--kinds=issues"], environment: ["VS_JIRA_TOKEN": "t", "VS_JIRA_USER": "u"],
      right: "that the user may browse it", place: "check the key of the project",
      list: [
        ("/status", "[]"), ("/bulkfetch", #"{"issueChangeLogs":[]}"#),
        (
          "/search/jql",
          #"{"isLast":true,"issues":[{"id":"8","key":"SHOP-8","fields":{"created":"2026-11-21T08:00:00.000+0000"}},null,"#
            + #"{"id":"7","key":"SHOP-7","fields":{"created":"2026-11-20T08:00:00.000+0000"}}]}"#
        ),
      ]),
    Vendor(
      name: "jenkins", arguments: ["--job=shop/build", "--kinds=builds"], environment: [:],
      right: "the user needs the permission Job/Read", place: "check the name with its folders",
      list: [
        (
          "",
          #"{"allBuilds":[{"number":8,"result":"SUCCESS","timestamp":1795990000000,"duration":1},null,"#
            + #"{"number":7,"result":"SUCCESS","timestamp":1795980000000,"duration":1}]}"#
        )
      ]),
    Vendor(
      name: "trello", arguments: ["--board=b"], environment: ["VS_TRELLO_KEY": "k", "VS_TRELLO_TOKEN": "t"],
      right: "check the id of the board, and that the token may read it",
      place: "check the id of the board, and that the token may read it",
      list: [
        (
          "/actions?",
          #"[{"id":"a2","type":"commentCard","date":"2026-11-21T08:00:00.000Z","data":{}},null,"#
            + #"{"id":"a1","type":"commentCard","date":"2026-11-20T08:00:00.000Z","data":{}}]"#
        ),
        ("", #"{"id":"b"}"#),
      ]),
  ]

  private static func run(_ vendor: Vendor, _ answer: HTTPResponse) throws -> VSPerf.Result {
    let home = try VSDProcess.Home()
    let server = try VendorServer { _ in answer }
    return try VSPerf.run(
      ["import", vendor.name, vendor.url, server.url, "--out", "\(home.path)/out"] + vendor.arguments,
      environment: vendor.environment)
  }

  @Test("A wrong token ends the import at once", arguments: vendors)
  func token(vendor: Vendor) throws {
    let result = try Self.run(vendor, .json(#"{"message":"Bad credentials"}"#, status: 401))
    #expect(result.exit == .code(69))
    #expect(result.errors.contains("answered 401") && result.errors.contains("is the token right?"), "\(result.errors)")
    #expect(result.errors.contains("what was imported stays, and --resume goes on from here"), "\(result.errors)")
  }

  @Test("A token without the right is told which", arguments: vendors)
  func right(vendor: Vendor) throws {
    let result = try Self.run(vendor, .json(#"{"message":"Forbidden"}"#, status: 403))
    #expect(result.exit == .code(69))
    #expect(result.errors.contains(vendor.right), "\(result.errors)")
    #expect(result.errors.contains("all others are imported, and --resume asks for these again"), "\(result.errors)")
  }

  @Test("A place that is not there is told, with what to check", arguments: vendors)
  func place(vendor: Vendor) throws {
    let result = try Self.run(vendor, .json(#"{"message":"Not Found"}"#, status: 404))
    #expect(result.exit == .code(69))
    #expect(result.errors.contains(vendor.place), "\(result.errors)")
  }

  @Test("A page for people is told", arguments: vendors)
  func page(vendor: Vendor) throws {
    let page = HTTPResponse(
      status: 200, headers: ["Content-Type": "text/html"], body: Array("<!DOCTYPE html><title>Sign in</title>".utf8))
    let result = try Self.run(vendor, page)
    #expect(result.exit == .code(69))
    #expect(result.errors.contains("a web page and not JSON"), "\(result.errors)")
  }

  @Test("A record that the server cannot read costs that record, and the exit code tells", arguments: vendors)
  func record(vendor: Vendor) throws {
    let home = try VSDProcess.Home()
    let server = try VendorServer { request in
      let found = vendor.list.first { $0.part.isEmpty || request.target.contains($0.part) }
      return found.map { .json($0.json) } ?? .json("{}", status: 500)
    }
    let out = "\(home.path)/out"
    let result = try VSPerf.run(
      ["import", vendor.name, vendor.url, server.url, "--out", out] + vendor.arguments + (vendor.kind.map { [$0] } ?? []),
      environment: vendor.environment)
    #expect(result.exit == .code(75), "\(result.errors)")
    #expect(result.errors.contains("1 record could not be read by the server; all others are imported"), "\(result.errors)")
    let lines = try String(contentsOfFile: out, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 2, "\(lines)")
  }

  @Test("A clock that is wrong is told, and the server's counts", arguments: vendors)
  func clock(vendor: Vendor) throws {
    var answer = HTTPResponse.json(#"{"message":"Not Found"}"#, status: 404)
    answer.headers["Date"] = "Tue, 01 Jan 2030 00:00:00 GMT"
    let result = try Self.run(vendor, answer)
    #expect(
      result.errors.contains("the clock of this machine is ") && result.errors.contains(" behind the server's"),
      "\(result.errors)")
  }
}
