import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// `vsperf import jira` against a server that plays Jira. What imports share is tested with GitHub.
@Suite("vsperf import jira")
struct JiraImportTests {
  @Test("imports into a vsd, and names what is missing")
  func imports() throws {
    let jira = try VendorServer { request in
      guard request.headers["Authorization"] == "Basic dGFsOng=" else { return .json("{}", status: 401) }
      if request.target.hasSuffix("/status") { return .json(#"[{"id":"9","statusCategory":{"key":"done"}}]"#) }
      if request.target.hasSuffix("/approximate-count") { return .json(#"{"count":153}"#) }
      if request.target.hasSuffix("/bulkfetch") {
        return .json(
          #"""
          {"issueChangeLogs":[{"issueId":"7","changeHistories":[{"id":"1","created":1795946400,"items":[{"field":"status",
          "fieldId":"status","from":"1","fromString":"To Do","to":"9","toString":"Done"}]}]}]}
          """#)
      }
      return .json(
        #"""
        {"issues":[null,{"id":"7","key":"SHOP-7","self":"https://harbour.atlassian.net/rest/api/3/issue/7","fields":{"created":
        "2026-11-28T08:00:00.000+0000","updated":"2026-11-29T10:00:00.000+0000","status":{"id":"9","name":"Done"}}}],"isLast":true}
        """#)
    }
    let environment = ["VS_JIRA_TOKEN": "x", "VS_JIRA_USER": "tal", "VS_IMPORT_SECRET": "import me"]
    let home = try VSDProcess.Home()
    let vsd = try VSDProcess(["--settle=0s", "--tracer=none", "--store=memory"], environment: environment)
    let arguments = ["import", "jira", "--url", jira.url, "--project=SHOP"]
    let result = try VSPerf.run(
      arguments + ["--server", "http://127.0.0.1:\(vsd.ports[0])", "--state", "\(home.path)/state"], environment: environment)
    // The null is a record that Jira cannot read.
    #expect(result.exit == .code(75), "\(result.errors)")
    let span = try #require(try HistoryTests.spans(of: vsd).first)
    #expect(span["key"]?.text == "jiracloud:harbour.atlassian.net::issue:7")
    #expect(span["end"]?.text == "2026-11-29T10:00:00Z")
    let plan = try VSPerf.run(arguments + ["--dry-run"], environment: environment)
    #expect(plan.output.contains("issues                 153         8\n"), "\(plan.output)")
    let none = try VSPerf.run(["import", "jira", "--project=SHOP", "--out=x"], environment: environment)
    #expect(none.exit == .code(64))
    #expect(none.errors.hasPrefix("vsperf: which site? --url https://acme.atlassian.net"))
  }
}
