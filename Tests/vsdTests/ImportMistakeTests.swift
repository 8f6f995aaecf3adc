import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// What each `vsperf import` says to a token without a right, to a place that is not there, and to a page for people.
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

    var testDescription: String { name }
  }

  static let vendors = [
    Vendor(
      name: "github", arguments: ["--repo=acme/site", "--kinds=issues"], url: "--enterprise-domain",
      environment: ["GH_TOKEN": "t"], right: "the token needs the permission to read Issues",
      place: "check the name, and that the token may see the repository"),
    Vendor(
      name: "gitlab", arguments: ["--project=acme/site", "--kinds=issues"], environment: ["GITLAB_TOKEN": "t"],
      right: "the token needs the scope read_api and the role Reporter",
      place: "check the path, and that the token may see the project"),
    Vendor(
      name: "jira", arguments: ["--project=SHOP", "--kinds=issues"], environment: ["VS_JIRA_TOKEN": "t", "VS_JIRA_USER": "u"],
      right: "that the user may browse it", place: "check the key of the project"),
    Vendor(
      name: "jenkins", arguments: ["--job=shop/build", "--kinds=builds"], environment: [:],
      right: "the user needs the permission Job/Read", place: "check the name with its folders"),
    Vendor(
      name: "trello", arguments: ["--board=b"], environment: ["VS_TRELLO_KEY": "k", "VS_TRELLO_TOKEN": "t"],
      right: "check the id of the board, and that the token may read it",
      place: "check the id of the board, and that the token may read it"),
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
