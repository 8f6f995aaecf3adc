import Testing

@testable import VendorAPI

struct RecordRunTests {
  /// Pages of two rows, named by their container and number; some containers fail at a page.
  private struct Source: RecordSource {
    var pages: [String: Int]
    var failures: [String: (page: Int, error: APIError)] = [:]

    let columns = ["row"]

    func containers() async throws(APIError) -> [String] { pages.keys.sorted() }

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
    _ source: Source, from place: RecordRun.Place = RecordRun.Place(), limit: Int? = nil, concurrency: Int = 3
  ) async throws -> [RecordRun.Step] {
    var steps: [RecordRun.Step] = []
    try await RecordRun(source, limit: limit, concurrency: concurrency).run(try await source.containers(), from: place) {
      steps.append($0)
    }
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
    #expect(steps.filter(\.isLast).map(\.container) == ["a", "b", "c", "d", "e"])
  }

  @Test("Going on from any page gives the rest")
  func places() async throws {
    let source = Source(pages: ["a": 5, "b": 3, "c": 4])
    let whole = try await Self.steps(source, limit: 7)
    for index in whole.indices {
      let rest = try await Self.steps(source, from: whole[index].place, limit: 7)
      #expect((whole[...index] + rest).flatMap(\.rows) == whole.flatMap(\.rows), "\(index)")
    }
  }

  @Test("A limit ends a container, and says whether there was more")
  func limit() async throws {
    let steps = try await Self.steps(Source(pages: ["a": 3, "b": 2, "c": 1]), limit: 4)
    #expect(steps.filter(\.isLast).map(\.isCut) == [true, false, false])
    #expect(steps.filter { $0.container == "a" }.flatMap(\.rows).count == 4)
    #expect(steps.map(\.total) == [4, 4, 4, 4, 2])
  }

  @Test("What concerns one container costs no other; anything else ends the run")
  func failures() async throws {
    var source = Source(pages: ["a": 2, "b": 3, "c": 2])
    source.failures = ["b": (1, APIError(.forbidden, "no"))]
    let steps = try await Self.steps(source)
    #expect(steps.map(\.container) == ["a", "a", "b", "b", "c", "c"])
    #expect(steps[3].failure?.description == "no" && steps[3].isLast)
    source.failures = ["b": (1, APIError(.unavailable, "away"))]
    await #expect(throws: APIError(.unavailable, "away")) { try await Self.steps(source) }
  }

  @Test("Who takes the pages may end it, and nobody is left waiting")
  func stopped() async throws {
    struct Full: Error {}
    let source = Source(pages: ["a": 500, "b": 500, "c": 500])
    await #expect(throws: Full.self) {
      try await RecordRun(source, limit: nil, concurrency: 3).run(["a", "b", "c"], from: RecordRun.Place()) { step in
        if step.page == 3 { throw Full() }
      }
    }
  }

  @Test("A list that leads to itself has an end")
  func circle() async throws {
    struct Circle: RecordSource {
      let columns = ["row"]
      func containers() async throws(APIError) -> [String] { ["a"] }
      func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> RecordPage {
        RecordPage(rows: [["x"]], next: "same")
      }
    }
    let error = await #expect(throws: APIError.self) {
      try await RecordRun(Circle(), limit: nil, concurrency: 1).run(["a"], from: RecordRun.Place()) { _ in }
    }
    #expect(error?.code == .malformed)
  }
}
