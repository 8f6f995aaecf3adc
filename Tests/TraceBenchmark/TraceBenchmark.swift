import Foundation
import QueryAPI
import SQLiteStore
import ValueStreamCore

/// Measures how long the query API takes to answer from a large SQLite store: `bench-traces DIRECTORY [THINGS] [ROUNDS]`.
///
/// Fills a new store in the directory with traces of four subjects, 1,000,000 subjects by default. Every fourth trace is
/// exported. Then it sends each query 200 times by default under each strategy, each time for a random trace. It prints median
/// and maximum time, and the median CPU time, which is more reliable on a shared machine. Slow answers do not fail the run.
@main
struct TraceBenchmark {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let directory = arguments.first else {
      print("bench-traces DIRECTORY [THINGS] [ROUNDS]")
      exit(64)
    }
    let numbers = arguments.dropFirst().compactMap { Int($0) }
    let stories = (numbers.first ?? 1_000_000) / Story.size
    let rounds = numbers.dropFirst().first ?? 200
    let store = try SQLiteSpanStore(directory: directory)
    defer { store.close() }
    let clock = ContinuousClock()
    let filling = try clock.measure { try fill(store, stories: stories) }
    let count = stories * Story.size
    print("## Questions to a store of \(count) spans\n")
    print("Filled in \(Int(filling.inSeconds)) s, \(try store.size() >> 20) MB. Each question \(rounds) times.\n")
    print("| question | strategy | median ms | worst ms | median CPU ms |\n|---|---|---|---|---|")
    for (question, strategy) in Question.all.flatMap({ question in TraceStrategy.allCases.map { (question, $0) } }) {
      let queries = SpanQueries(
        store: store, strategy: strategy, clock: SystemClock(), logger: Logger { _ in }, waitForProjection: {})
      var random = SeededRandom(seed: 1)
      var processorTimes: [Double] = []
      let times = try (0..<rounds).map { _ in
        let request = question.request(Story(Int.random(in: 0..<stories, using: &random)))
        var response: HTTPResponse?
        let before = processorMilliseconds()
        let time = clock.measure { response = question.handler(queries).respond(to: request) }
        processorTimes.append(processorMilliseconds() - before)
        guard response?.status == 200 else { throw BenchmarkFailure(description: "\(question.name): \(response?.status ?? 0)") }
        return time.inSeconds * 1000
      }.sorted()
      let columns = [times[rounds / 2], times[rounds - 1], processorTimes.sorted()[rounds / 2]].map(text)
      print("| \(question.name) | \(strategy) | \(columns.joined(separator: " | ")) |")
    }
  }

  /// The CPU time that this process has used so far.
  private static func processorMilliseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
  }

  private static func text(_ milliseconds: Double) -> String { String(format: "%.2f", milliseconds) }

  private static func fill(_ store: SQLiteSpanStore, stories: Int) throws {
    for start in stride(from: 0, to: stories, by: 250) {
      var changes = ProjectionChanges()
      for number in start..<min(start + 250, stories) {
        changes.subjects += Story(number).subjects.map { subject in
          SubjectChange(
            subject: subject, summary: SubjectSummary(subject), newAliases: subject.aliases,
            newFollows: subject.follows.flatMap(\.references))
        }
      }
      try store.write(changes)
      try store.addExportRecords((start..<min(start + 250, stories)).flatMap { Story($0).exportRecords })
    }
  }
}

struct BenchmarkFailure: Error, CustomStringConvertible {
  var description: String
}

/// An issue, its change, a build of the change and a job of the build, in one of 1,000 repositories.
struct Story {
  static let size = 4
  private let number: Int

  init(_ number: Int) {
    self.number = number
  }

  var classicID: String { "vstrace-github-issue-site\(number % 1000)-\(number)" }
  var project: String { "acme/site\(number % 1000)" }
  var root: SubjectKey { key("issue") }
  var build: SubjectKey { key("run") }

  private func key(_ kind: String) -> SubjectKey {
    SubjectKey(source: "github", host: "github.com", container: "\(number % 1000)", kind: kind, id: "\(number)")
  }

  var subjects: [Subject] {
    let kinds: [(String, ValueStreamCore.Operation)] = [
      ("issue", .issue), ("pull_request", .pullRequest), ("run", .build), ("job", .job),
    ]
    return kinds.enumerated().map { index, kind in
      subject(kind.0, kind.1, below: index == 0 ? nil : key(kinds[index - 1].0), minute: index)
    }
  }

  /// The export records of an exported story under the strategy `nested`; empty for three of four stories.
  var exportRecords: [ExportRecord] {
    guard number % 4 == 0 else { return [] }
    return subjects.map { subject in
      let parent = subject.parent.map { SpanID(key: $0.parent, attempt: 1) }
      return ExportRecord(
        key: subject.key, traceID: TraceID(root: root), attempts: [ExportedAttempt(number: 1, parentSpanID: parent)])
    }
  }

  private func subject(_ kind: String, _ operation: ValueStreamCore.Operation, below parent: SubjectKey?, minute: Int) -> Subject
  {
    let start = Timestamp(seconds: 1_700_000_000 + Int64(number * 60 + minute))
    let end = start.advanced(bySeconds: 600)
    var event = Event(key: key(kind), time: .vendor(end), attempt: .counted)
    event.operation = operation
    event.name = "\(project)#\(number)"
    event.project = project
    event.owner = "github.com/acme"
    event.state = .ended
    event.outcome = number % 20 == 0 ? .failure : .success
    event.marks = [.begin(.vendor(start)), .end(.vendor(end))]
    event.attributes = (0..<8).map { Attribute("attribute.\($0)", .string("a value of some length, \(number)")) }
    if operation == .issue { event.publishes = [Reference(.classicID, classicID)] }
    event.follows = parent.map { [FollowStatement(.vendorLink, [.key($0)])] } ?? []
    var subject = Subject(key: event.key)
    _ = subject.add(event)
    subject.parent = parent.map { ParentTie(parent: $0, rule: .vendorLink, reference: .key($0)) }
    return subject
  }
}

/// A query with the handler that answers it.
struct Question {
  var name: String
  var handler: (SpanQueries) -> any HTTPHandler
  var request: (Story) -> HTTPRequest

  static var all: [Question] {
    [
      traces("trace by id") { get(TracesHandler.prefix + TraceID(root: $0.root).description) },
      traces("trace by the id of its build") { get(TracesHandler.prefix + TraceID(root: $0.build).description) },
      traces("trace by classic id") { get(TracesHandler.prefix + $0.classicID) },
      Question(name: "thing by key", handler: SpansHandler.init) { get(SpansHandler.prefix + $0.root.description) },
      traces("newest traces") { _ in get("/api/v1/traces") },
      traces("traces of a project") { get("/api/v1/traces", [("project", $0.project)]) },
      traces("traces with a failed job") { _ in get("/api/v1/traces", [("operation", "job"), ("outcome", "failure")]) },
      traces("open traces, of which there are none") { _ in get("/api/v1/traces", [("state", "open")]) },
      jaeger("Jaeger: trace by id") { get("/api/traces/\(TraceID(root: $0.root))") },
      jaeger("Jaeger: builds of a service") { _ in get("/api/traces", [("service", "github"), ("operation", "build")]) },
      jaeger("Jaeger: a tag") { _ in get("/api/traces", [("service", "github"), ("tags", #"{"error":"true"}"#)]) },
      jaeger("Jaeger: operations") { _ in get("/api/operations", [("service", "github")]) },
    ]
  }

  private static func traces(_ name: String, _ request: @escaping (Story) -> HTTPRequest) -> Question {
    Question(name: name, handler: TracesHandler.init, request: request)
  }

  private static func jaeger(_ name: String, _ request: @escaping (Story) -> HTTPRequest) -> Question {
    Question(name: name, handler: JaegerHandler.init, request: request)
  }

  private static func get(_ path: String, _ query: [(name: String, value: String)] = []) -> HTTPRequest {
    HTTPRequest(method: "GET", path: path, query: query)
  }
}
