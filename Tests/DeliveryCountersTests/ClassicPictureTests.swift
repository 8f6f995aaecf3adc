import DeliveryCounters
import Testing
import ValueStreamCore

@Suite("Classic picture")
struct ClassicPictureTests {
  static func time(_ second: Int64) -> Timestamp { Timestamp(seconds: second) }

  static func mark(
    _ transition: ClassicMark.Transition, _ state: String = "s", at time: EventTime = .vendor(time(0)), begin: EventTime? = nil,
    isError: Bool = false
  ) -> ClassicMark {
    ClassicMark(
      eventSource: "github", type: "issue", transition, state: state, time: time, begin: begin, isError: isError)
  }

  static func finished(_ changes: [ClassicPicture.Change]) -> [ClassicPicture.FinishedSpan] {
    changes.compactMap { if case .finished(let span) = $0 { span } else { nil } }
  }

  /// Applies marks to one subject, received ten seconds apart.
  static func apply(
    _ marks: [ClassicMark], to state: inout ClassicState, parent: ClassicState? = nil, _ picture: inout ClassicPicture
  ) -> [ClassicPicture.Change] {
    marks.enumerated().flatMap { index, mark in
      picture.apply(
        mark, tags: [Attribute("n", .int(Int64(index)), vocabulary: .classic)], received: time(Int64(index) * 10), parent: parent,
        to: &state)
    }
  }

  @Test("A start and an end are one span, with the tags of the start")
  func startAndEnd() throws {
    var picture = ClassicPicture()
    var state = ClassicState()
    let marks = [Self.mark(.start, at: .vendor(Self.time(5))), Self.mark(.end, at: .vendor(Self.time(65)), isError: true)]
    let spans = Self.finished(Self.apply(marks, to: &state, &picture))
    let span = try #require(spans.first)
    #expect(spans.count == 1)
    #expect(span.durationMilliseconds == 60_000)
    #expect(span.isError)
    #expect(span.span.tags.map(\.value) == [.int(0)])
    #expect(state.open == nil)
  }

  @Test("Only a change of state starts or ends a span")
  func repetitions() {
    var picture = ClassicPicture()
    var state = ClassicState()
    let marks = [
      Self.mark(.start), Self.mark(.start), Self.mark(.transition, "running"), Self.mark(.transition, "running"), Self.mark(.end),
    ]
    let changes = Self.apply(marks, to: &state, &picture)
    #expect(changes.count == 4)
    #expect(Self.finished(changes).map(\.span.state) == ["s", "running"])
  }

  @Test("An end without a start is a whole span where the payload tells the beginning, else one without a duration")
  func endAlone() {
    var picture = ClassicPicture()
    var state = ClassicState()
    let told = Self.apply(
      [Self.mark(.end, at: .vendor(Self.time(100)), begin: .vendor(Self.time(40)))], to: &state, &picture)
    #expect(Self.finished(told).map(\.durationMilliseconds) == [60_000])
    let untold = Self.apply([Self.mark(.end, at: .receipt(Self.time(100)))], to: &state, &picture)
    #expect(Self.finished(untold).map(\.durationMilliseconds) == [nil])
    #expect(Self.finished(untold).map(\.isStartUnknown) == [true])
  }

  @Test("An end after the end is another span: classic metrics count what arrives, in its order")
  func twoEnds() {
    var picture = ClassicPicture()
    var state = ClassicState()
    let marks = [Self.mark(.start), Self.mark(.end, "failure", isError: true), Self.mark(.end, "success")]
    #expect(Self.finished(Self.apply(marks, to: &state, &picture)).map(\.isError) == [true, false])
  }

  @Test("Without vendor times the two receipts count; times that run backwards give zero")
  func durations() {
    var picture = ClassicPicture()
    var state = ClassicState()
    let receipts = [Self.mark(.start, at: .receipt(Self.time(0))), Self.mark(.end, at: .vendor(Self.time(5000)))]
    #expect(Self.finished(Self.apply(receipts, to: &state, &picture)).map(\.durationMilliseconds) == [10_000])
    let backwards = [Self.mark(.start, at: .vendor(Self.time(9))), Self.mark(.end, at: .vendor(Self.time(3)))]
    #expect(Self.finished(Self.apply(backwards, to: &state, &picture)).map(\.durationMilliseconds) == [0])
  }

  @Test("A child has the trace of its parent and the parent's open span as its parent, else the latest")
  func parents() throws {
    var picture = ClassicPicture(nextID: 43)
    var parent = ClassicState()
    var child = ClassicState()
    _ = Self.apply([Self.mark(.start)], to: &parent, &picture)
    let open = try #require(parent.open)
    #expect(open.traceID == 43)
    #expect(open.spanID == 44)
    #expect(open.parentID == 0)
    _ = Self.apply([Self.mark(.start)], to: &child, parent: parent, &picture)
    #expect(child.open?.traceID == 43)
    #expect(child.open?.parentID == 44)
    _ = Self.apply([Self.mark(.end)], to: &parent, &picture)
    var late = ClassicState()
    _ = Self.apply([Self.mark(.start)], to: &late, parent: parent, &picture)
    #expect(late.open?.parentID == 44)
    #expect(late.open?.traceID == 43)
    #expect(picture.nextID > 46)
  }

  @Test("Each phase of a thing without parent has a trace of its own")
  func phasesOfRoots() {
    var picture = ClassicPicture()
    var state = ClassicState()
    let changes = Self.apply([Self.mark(.start), Self.mark(.transition, "b"), Self.mark(.end)], to: &state, &picture)
    let spans = Self.finished(changes)
    #expect(Set(spans.map(\.span.traceID)).count == 2)
  }
}
