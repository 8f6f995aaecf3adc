import Foundation
import Testing
import ValueStreamTesting

extension YearAnswersTests {
  /// A row of the table in the README whose first cell ends with a question mark.
  private struct Question {
    var text: String
    var page: String
    var command: String

    static func all() throws -> [Question] {
      let readme = try String(contentsOf: PythonEnvironment.root.appendingPathComponent("README.md"), encoding: .utf8)
      return readme.split(separator: "\n").compactMap { line in
        let cells = line.replacing("\\|", with: "\u{0}").split(separator: "|").map {
          $0.replacing("\u{0}", with: "|").trimmingCharacters(in: CharacterSet(charactersIn: " `"))
        }
        guard cells.count == 3, cells[0].hasSuffix("?") else { return nil }
        return Question(text: cells[0], page: cells[1], command: cells[2])
      }
    }
  }

  /// What the answer must hold, by words of the question.
  private static let parts = [
    "share of deploys": [" success\n", " failure\n"],
    "review waits": ["status_since", "first_response"],
    "slowest": ["run_time_p95_seconds", "failed"],
    "by repository": ["harbour/shop", "ready_to_merge_median_seconds"],
    "broke": ["remedied_by"],
  ]

  @Test("answer the twelve questions of the README, each by its page and its command")
  func questions() throws {
    let year = try SharedYear.whole.get()
    let folder = (try VSPerf.binary() as NSString).deletingLastPathComponent
    let all = try Question.all()
    #expect(all.count == 12)
    for question in all {
      let page = try year.vsd.get(question.page)
      #expect(page.status == 200 && page.body.contains("<h1>"), "\(question.text) \(question.page)")
      var environment = ["PATH": folder + ":/usr/bin:/bin", "VS_SERVER_URL": year.url]
      // With the clock of the daemon, if the tests run on another day.
      for name in ["LD_PRELOAD", "WALL_CLOCK_OFFSET", "TZ"] { environment[name] = ProcessInfo.processInfo.environment[name] }
      let shell = try ChildProcess("/bin/sh", ["-c", question.command], environment: environment)
      let exit = try shell.waitForExit()
      // On some days nothing was deployed on the day before.
      if question.text.contains("yesterday"), shell.errors.contains("knows of nothing in this window") { continue }
      #expect(exit == .code(0) && shell.errors.isEmpty, "\(question.command): \(shell.errors)")
      let rows = shell.output.split(separator: "\n")
      #expect(rows.count > 1 && rows.dropFirst().contains { $0.contains(/\d/) }, "\(question.command) printed \(shell.output)")
      for (words, parts) in Self.parts where question.text.contains(words) {
        for part in parts { #expect(shell.output.contains(part), "\(question.command) printed no \(part): \(shell.output)") }
      }
    }
  }
}
