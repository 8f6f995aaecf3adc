import Foundation
import GitLabServer
import Simulator
import Testing
import ValueStreamCore
import ValueStreamTesting

/// `vsperf import gitlab` against a server that plays GitLab. What imports share is tested with GitHub.
@Suite("vsperf import gitlab")
struct GitLabImportTests {
  private static let server = GitLabHistoryServer(
    YearHistory(HistoryConfiguration(seed: 5, days: 30, scale: 0.3, until: Timestamp(seconds: 1_795_543_200)))
      .filter { $0.path == "/gitlab" }.map(\.body))

  @Test("imports into a vsd, and says before what it takes")
  func imports() throws {
    let server = Self.server
    let gitLab = try VendorServer(
      fault: { $0 == 5 ? .badGateway : $0 == 9 ? .secondaryLimit : nil }, answer: { server.answer($0) })
    let environment = ["GITLAB_TOKEN": "glpat", "VS_IMPORT_SECRET": "import me"]
    let projects = server.projects.map { "--project=\($0)" }
    let plan = try VSPerf.run(["import", "gitlab", "--dry-run", "--url", gitLab.url] + projects, environment: environment)
    #expect(plan.exit == .code(0), "\(plan.errors)")
    #expect(plan.output.contains("merge-requests ") && plan.output.hasSuffix("with no limit on requests\n"))
    let home = try VSDProcess.Home()
    let vsd = try VSDProcess(["--settle=0s", "--tracer=none", "--store=memory"], environment: environment)
    let result = try VSPerf.run(
      [
        "import", "gitlab", "--url", gitLab.url, "--server", "http://127.0.0.1:\(vsd.ports[0])", "--state", "\(home.path)/state",
      ] + projects, environment: environment)
    #expect(result.exit == .code(0), "\(result.errors)")
    #expect(result.errors.contains("imported "))
    let keys = try HistoryTests.spans(of: vsd).compactMap { $0["key"]?.text }
    for kind in ["pull_request", "pipeline", "job", "deployment"] {
      #expect(keys.contains { $0.contains(":\(kind):") }, "\(kind)")
    }
    let none = try VSPerf.run(["import", "gitlab", "--out=x"], environment: environment)
    #expect(none.exit == .code(64))
    #expect(none.errors.hasPrefix("vsperf: which projects? --project PATH, or --group PATH for all of a group"))
  }
}
