import Testing
import ValueStreamCore

@testable import APIClient

struct RecordRunTests {
  /// Serves pages of two rows named after container and page number. Listed containers fail at a given page.
  private struct Source: RecordSource {
    var pages: [String: Int]
    var failures: [String: (page: Int, error: APIError)] = [:]

    let columns = ["row"]

    func containers() async throws(APIError) -> RecordContainers { RecordContainers(pages.keys.sorted()) }

    func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> RecordPage {
      let number = cursor.flatMap { Int($0) } ?? 0
      if let failure = failures[container], failure.page == number { throw failure.error }
      await Task.yield()
      let count = pages[container] ?? 0
      let rows = number < count ? [["\(container)\(number)a"], ["\(container)\(number)b"]] : []
      return RecordPage(rows: rows, next: number + 1 < count ? "\(number + 1)" : nil, total: count * 2)
    }
  }

  private static func steps(
    _ source: some RecordSource, from containers: [RecordRun.Container]? = nil, limit: Int? = nil, concurrency: Int = 3
  ) async throws -> [RecordRun.Step] {
    var steps: [RecordRun.Step] = []
    let all = try await source.containers().names.map { RecordRun.Container($0) }
    try await RecordRun(source, limit: limit, concurrency: concurrency).run(containers ?? all) { steps.append($0) }
    return steps
  }

  @Test("Pages come in order, whatever is read at a time", arguments: [1, 2, 3, 20])
  func order(concurrency: Int) async throws {
    let source = Source(pages: ["a": 30, "b": 0, "c": 1, "d": 12, "e": 2])
    let steps = try await Self.steps(source, concurrency: concurrency)
    let expected = source.pages.sorted { $0.key < $1.key }.flatMap { name, count in
      (0..<count).flatMap { ["\(name)\($0)a", "\(name)\($0)b"] }
    }
    #expect(steps.flatMap(\.rows).map { $0[0] } == expected)
    #expect(steps.filter(\.isLast).map(\.container.name) == ["a", "b", "c", "d", "e"])
  }

  @Test("Going on from any page gives the rest")
  func places() async throws {
    let source = Source(pages: ["a": 5, "b": 3, "c": 4])
    let whole = try await Self.steps(source, limit: 7)
    for index in whole.indices {
      let others = source.pages.keys.filter { $0 > whole[index].container.name }.sorted().map { RecordRun.Container($0) }
      let rest = try await Self.steps(source, from: (whole[index].isLast ? [] : [whole[index].container]) + others, limit: 7)
      #expect((whole[...index] + rest).flatMap(\.rows) == whole.flatMap(\.rows), "\(index)")
    }
  }

  @Test("A limit ends a container, and says whether there was more")
  func limit() async throws {
    let steps = try await Self.steps(Source(pages: ["a": 3, "b": 2, "c": 1]), limit: 4)
    #expect(steps.filter(\.isLast).map(\.isCut) == [true, false, false])
    #expect(steps.filter { $0.container.name == "a" }.flatMap(\.rows).count == 4)
    #expect(steps.map(\.total) == [4, 4, 4, 4, 2])
  }

  @Test(
    "A container that cannot be read costs no other, and says where to go on in it",
    arguments: [APIError.Code.notFound, .forbidden, .unavailable, .refused, .malformed])
  func failures(code: APIError.Code) async throws {
    var source = Source(pages: ["a": 2, "b": 3, "c": 2])
    source.failures = ["b": (1, APIError(code, "no"))]
    let steps = try await Self.steps(source)
    #expect(steps.map(\.container.name) == ["a", "a", "b", "b", "c", "c"])
    #expect(steps[3].failure?.description == "no" && steps[3].isLast)
    source.failures = [:]
    let rest = try await Self.steps(source, from: [steps[3].container])
    #expect(rest.flatMap(\.rows).map { $0[0] } == ["b1a", "b1b", "b2a", "b2b"])
  }

  @Test("What concerns everything ends the run", arguments: [APIError.Code.unauthorized, .limited, .unreachable])
  func endings(code: APIError.Code) async throws {
    var source = Source(pages: ["a": 2, "b": 3, "c": 2])
    source.failures = ["b": (1, APIError(code, "no"))]
    await #expect(throws: APIError(code, "no")) { try await Self.steps(source) }
  }

  @Test("So does the third container in a row that gives nothing, unless it is not there")
  func failuresInRow() async throws {
    var source = Source(pages: ["a": 2, "b": 3, "c": 2, "d": 1, "e": 1])
    func fail(_ names: String, _ code: APIError.Code, page: Int = 0) {
      source.failures = Dictionary(uniqueKeysWithValues: names.map { ("\($0)", (page, APIError(code, "no"))) })
    }
    fail("bcd", .unavailable)
    await #expect(throws: APIError(.unavailable, "no")) { try await Self.steps(source) }
    fail("bce", .unavailable)
    #expect(try await Self.steps(source).count(where: { $0.failure != nil }) == 3)
    fail("bcde", .notFound)
    #expect(try await Self.steps(source).count(where: { $0.failure != nil }) == 4)
    fail("abc", .unavailable, page: 1)
    #expect(try await Self.steps(source).count(where: { $0.failure != nil }) == 3)
  }

  @Test("Who takes the pages may end it, and nobody is left waiting")
  func stopped() async throws {
    struct Full: Error {}
    let source = Source(pages: ["a": 500, "b": 500, "c": 500])
    await #expect(throws: Full.self) {
      try await RecordRun(source, limit: nil, concurrency: 3).run(["a", "b", "c"].map { RecordRun.Container($0) }) { step in
        if step.container.pages == 3 { throw Full() }
      }
    }
  }

  @Test("A list that leads to itself has an end", arguments: [["x"], ["x", "y"], ["x", "y", "z"]])
  func circle(cursors: [String]) async throws {
    struct Circle: RecordSource {
      var cursors: [String]
      let columns = ["row"]
      func containers() async throws(APIError) -> RecordContainers { RecordContainers(["a"]) }
      func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> RecordPage {
        let next = cursor.flatMap { cursors.firstIndex(of: $0) }.map { ($0 + 1) % cursors.count } ?? 0
        return RecordPage(rows: [["x"]], next: cursors[next])
      }
    }
    let steps = try await Self.steps(Circle(cursors: cursors))
    #expect(steps.last?.failure == APIError(.malformed, "a: the next page is one that was read already"))
    #expect(steps.count == cursors.count + 1)
  }

  @Test("Rounds read the newest of all containers first, and the rest later, each page once")
  func rounds() async throws {
    /// Page n of a container is n days old.
    struct Ages: PagedSource {
      func containers() async throws(APIError) -> RecordContainers { RecordContainers(["a", "b"]) }

      func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> SourcePage<String> {
        let number = cursor.flatMap { Int($0) } ?? 0
        var page = SourcePage(rows: ["\(container)\(number)"], next: number < (container == "a" ? 5 : 2) ? "\(number + 1)" : nil)
        page.reached = Timestamp(seconds: Int64(100 - number))
        return page
      }
    }
    var rows: [String] = []
    var containers = ["a", "b"].map { ContainerProgress($0) }
    for horizon in [Timestamp(seconds: 99), Timestamp(seconds: 97), nil] {
      var paused: [ContainerProgress] = []
      let run = ContainerRun<String>(Ages(), limit: nil, concurrency: 2, pagesAhead: 1, horizon: horizon)
      try await run.run(containers) { step in
        rows += step.rows
        #expect(!(step.isPaused && step.isLast))
        if step.isPaused { paused.append(step.container) }
      }
      containers = paused
    }
    #expect(rows == ["a0", "a1", "a2", "b0", "b1", "b2", "a3", "a4", "a5"])
    #expect(containers == [])
  }
}
