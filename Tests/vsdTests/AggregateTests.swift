import Foundation
import Testing
import ValueStreamTesting

@Suite("vsperf agg")
struct AggregateTests {
  private static let text = """
    owner,repo,created_at,merged,duration,comments,total_changes,duration_per_comment,duration_per_line
    acme,site,2020-01-13T09:00:00Z,true,3600,2,100,1800,36
    acme,site,2020-02-03T09:00:00Z,false,7200,,,,

    """
  private static let report = """
    Key,Interval,Owner,Repo,TotalPullRequests,NumMerged,MergeRatio,AvgTotalLinesChanged,AvgDurationHours,AvgDurationSecondsPerLine,AvgDurationSecondsPerComment
    2020|3_acme|site,2020|3,acme,site,1,1,1,100,1,36,1800
    2020|6_acme|site,2020|6,acme,site,1,0,0,0,2,0,0

    """

  /// Passes a temporary folder with `prs.csv` to `body` and removes the folder afterwards.
  private static func withFolder<Value>(_ body: (URL) throws -> Value) throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("agg-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try text.write(to: folder.appendingPathComponent("prs.csv"), atomically: true, encoding: .utf8)
    return try body(folder)
  }

  @Test("flags stand before or after the subcommand, with one dash or two")
  func flags() throws {
    try Self.withFolder { folder in
      let file = folder.appendingPathComponent("prs.csv").path
      for arguments in [
        ["agg", "-in=\(file)", "pull-request"], ["agg", "pull-request", "--in", file], ["agg", "pull-request", file],
        ["-in", file, "agg", "-agg-window=week", "pull-request", "-threads=3"], ["agg", "-in=\(folder.path)", "pull-request"],
      ] {
        let result = try VSPerf.run(arguments)
        #expect(result.exit == .code(0), "\(result.errors)")
        #expect(result.output == Self.report, "\(arguments)")
        #expect(result.errors == "")
      }
      let last = try VSPerf.run([
        "agg", "-in=\(file)", "-agg-window=month", "-calc-percentiles-gte-unix=1580515200", "pull-request", "--layout=2020",
      ])
      #expect(last.output.contains("2020-01-01_acme|site,2020-01-01,1577836800,acme,site,1,1,1,100,1,36,1800,2,0,0,0\n"))
      #expect(last.output.contains("2020-02-01_acme|site,2020-02-01,1580515200,acme,site,1,0,0,0,2,0,0,0,2,2,2\n"))
    }
  }

  @Test("reads what is piped in, writes to a file, and puts several files together")
  func streams() throws {
    try Self.withFolder { folder in
      let file = folder.appendingPathComponent("prs.csv").path
      let out = folder.appendingPathComponent("report.txt").path
      let shell = Process()
      shell.executableURL = URL(fileURLWithPath: "/bin/sh")
      shell.arguments = ["-c", "\(try VSPerf.binary()) agg pull-request - --out \(out) < \(file)"]
      try shell.run()
      shell.waitUntilExit()
      #expect(shell.terminationStatus == 0)
      #expect(try String(contentsOfFile: out, encoding: .utf8) == Self.report)
      let twice = try VSPerf.run(["agg", "pull-request", file, file, "--group-by", "none", "--agg-window", "quarter"])
      #expect(twice.output.split(separator: "\n").last == "2020|Q1,2020|Q1,4,2,0.5,50,1.5,18,900")
    }
  }

  @Test("an empty file has no rows in a folder, and is a mistake where it is named")
  func emptyFiles() throws {
    try Self.withFolder { folder in
      let empty = folder.appendingPathComponent("empty.csv").path
      try Data().write(to: URL(fileURLWithPath: empty))
      #expect(try VSPerf.run(["agg", "pull-request", folder.path]).output == Self.report)
      let named = try VSPerf.run(["agg", "pull-request", empty])
      #expect(named.exit == .code(65))
      #expect(named.errors == "vsperf: \(empty), line 1: there is no first row with the names of the columns\n")
      try FileManager.default.removeItem(at: folder.appendingPathComponent("prs.csv"))
      let none = try VSPerf.run(["agg", "pull-request", folder.path])
      #expect(none.exit == .code(0))
      #expect(none.output.split(separator: "\n").count == 1)
    }
  }

  @Test("issues, builds and deploys")
  func others() throws {
    try Self.withFolder { folder in
      let issues = folder.appendingPathComponent("issues.csv").path
      let builds = folder.appendingPathComponent("builds.csv").path
      try """
      owner,repo,created_at,started_at,finished_at,outcome,duration
      acme,site,2020-01-13T09:00:00Z,2020-01-13T10:00:00Z,2020-01-13T12:00:00Z,completed,10800
      acme,site,2020-01-14T09:00:00Z,,,open,
      """.write(toFile: issues, atomically: true, encoding: .utf8)
      try """
      owner,repo,created_at,started_at,finished_at,outcome,duration
      acme,site,2020-01-13T09:00:00Z,2020-01-13T09:00:30Z,2020-01-13T09:10:00Z,success,570
      acme,site,2020-01-14T09:00:00Z,2020-01-14T09:00:30Z,2020-01-14T09:02:00Z,FAILED,90
      acme,site,2020-01-15T09:00:00Z,,,cancelled,
      """.write(toFile: builds, atomically: true, encoding: .utf8)
      #expect(
        try VSPerf.run(["agg", "issue", issues, "--metrics", "work-time"]).output == """
          Key,Interval,Owner,Repo,TotalIssues,NumClosed,ClosedRatio,AvgDurationHours,AvgWorkHours,WorkP50Hours,WorkP90Hours
          2020|3_acme|site,2020|3,acme,site,2,1,0.5,3,2,2,2

          """)
      #expect(
        try VSPerf.run(["agg", "build", builds]).output == """
          Key,Interval,Owner,Repo,TotalBuilds,NumSucceeded,NumFailed,SuccessRatio,AvgDurationMinutes
          2020|3_acme|site,2020|3,acme,site,3,1,1,0.33,5.5

          """)
      #expect(
        try VSPerf.run(["agg", "deploy", builds, "--metrics", "queue-time", "--format", "ndjson"]).output
          == #"{"Key":"2020|3_acme|site","Interval":"2020|3","Owner":"acme","Repo":"site","TotalDeploys":3,"NumSucceeded":1,"NumFailed":1,"#
          + #""FailureRatio":0.33,"AvgDurationMinutes":5.5,"AvgQueueHours":0.008333333333333333,"QueueP50Hours":0.008333333333333333,"#
          + #""QueueP90Hours":0.008333333333333333}"# + "\n")
    }
  }

  @Test("a bad row ends it with file, line and column, exit code 65, or is left out and counted")
  func badRows() throws {
    try Self.withFolder { folder in
      let file = folder.appendingPathComponent("bad.csv").path
      try (Self.text + "acme,site,2020-02-03T09:00:00Z,false,long,,,,\n").write(toFile: file, atomically: true, encoding: .utf8)
      let ended = try VSPerf.run(["agg", "pull-request", file])
      #expect(ended.exit == .code(65))
      #expect(ended.errors == "vsperf: \(file), line 4, column duration: \"long\" is not a number\n")
      #expect(ended.output == "")
      let timeless = folder.appendingPathComponent("timeless.csv").path
      try Self.text.replacing("2020-02-03T09:00:00Z", with: "0001-01-01T00:00:00Z").write(
        toFile: timeless, atomically: true, encoding: .utf8)
      #expect(
        try VSPerf.run(["agg", "pull-request", timeless]).errors
          == "vsperf: \(timeless), line 3, column created_at: \"0001-01-01T00:00:00Z\" stands for no time, and without one a row is "
          + "in no window\n")
      let skipped = try VSPerf.run(["agg", "pull-request", file, "--skip-bad-rows"])
      #expect(skipped.exit == .code(0))
      #expect(skipped.output == Self.report)
      #expect(skipped.errors == "vsperf: left out 1 row that cannot be read\n")
    }
  }

  @Test("durations that nobody has are drawn all the same", arguments: ["trend", "distribution", "scatter"])
  func extremes(kind: String) throws {
    try Self.withFolder { folder in
      let file = folder.appendingPathComponent("prs.csv").path
      try Self.text.replacing("3600,2,100", with: "1e30,2,1e300").write(toFile: file, atomically: true, encoding: .utf8)
      let chart = folder.appendingPathComponent("chart.svg").path
      let result = try VSPerf.run([
        "agg", "pull-request", file, "--plot", "--format=table", "--chart", chart, "--chart-kind", kind,
      ])
      #expect(result.exit == .code(0), "\(result.errors)")
      #expect(result.output.contains("e+25 d\n"), "\(result.output)")
      #expect(try String(contentsOfFile: chart, encoding: .utf8).hasSuffix("</svg>\n"))
    }
  }

  @Test(
    "mistakes",
    arguments: [
      (["agg", "pull-request"], 64, "which file? --in FILE, or - for standard input; vsperf agg pull-request --help says more"),
      (["agg", "pull-request", "--in=/nowhere.csv"], 66, "/nowhere.csv: No such file or directory"),
      (
        ["agg", "pull-request", "x", "--agg-window=year"], 64,
        #"flag --agg-window: "year" is not one of day, week, month, quarter"#
      ),
      (["agg", "pull-request", "x", "--metrics=p50,speed"], 64, #"flag --metrics: "p50,speed" is not a list of p50, p75"#),
      (["agg", "pull-request", "x", "--group-by=owner,owner"], 64, "flag --group-by: "),
      (["agg", "pull-request", "-", "-"], 64, "standard input can be read once"),
      (["agg", "build", "x", "--layout=2020"], 64, "unknown flag --layout"),
      (["agg"], 64, "agg what? there is pull-request, issue, build, deploy; vsperf agg --help says more"),
    ] as [([String], Int32, String)])
  func mistakes(arguments: [String], code: Int32, says: String) throws {
    let result = try VSPerf.run(arguments)
    #expect(result.exit == .code(code))
    #expect(result.errors.hasPrefix("vsperf: \(says)"), "\(result.errors)")
  }
}
