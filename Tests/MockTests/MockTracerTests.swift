import Pipeline
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Mock

@Suite("The mock tracer")
struct MockTracerTests {
  /// A classic span that went through the picture.
  private static func span(tags: [Attribute] = [], isError: Bool = false) -> ClassicPicture.FinishedSpan? {
    var picture = ClassicPicture(nextID: 43)
    var state = ClassicState()
    let (start, end) = (Timestamp(seconds: 1_577_977_445), Timestamp(seconds: 1_577_981_045))
    func mark(_ transition: ClassicMark.Transition, at time: Timestamp) -> ClassicMark {
      ClassicMark(
        eventSource: "github", type: "issue", transition, state: "\(transition)", time: .vendor(time), isError: isError)
    }
    _ = picture.apply(mark(.start, at: start), tags: tags, received: end, parent: nil, to: &state)
    let changes = picture.apply(mark(.end, at: end), tags: [], received: end, parent: nil, to: &state)
    if case .finished(let span)? = changes.last { return span }
    return nil
  }

  private static func text(_ tracer: MockTracer) -> String { String(decoding: tracer.encoded(), as: UTF8.self) }

  @Test("shows a finished span as the Go program did, member by member")
  func element() throws {
    let tracer = MockTracer()
    tracer.record(try #require(Self.span(tags: [Attribute("service", "github", vocabulary: .classic)])))
    #expect(
      Self.text(tracer) == """
        [{"Span":{"SpanContext":{"TraceID":43,"SpanID":44,"Sampled":true,"Baggage":null},"ParentID":0,\
        "OperationName":"issue","StartTime":"2020-01-02T15:04:05Z","FinishTime":"2020-01-02T16:04:05Z"},\
        "Tags":{"service":"github","error":false}}]
        """)
  }

  @Test("keeps the types of tags, and the order in which spans finished")
  func tags() throws {
    let tags = [
      Attribute("text", "a \"b\"", vocabulary: .classic), Attribute("whole", 7, vocabulary: .classic),
      Attribute("fraction", .double(0.5), vocabulary: .classic), Attribute("flag", true, vocabulary: .classic),
      Attribute("list", .strings(["x", "y"]), vocabulary: .classic), Attribute("nothing", .null, vocabulary: .classic),
    ]
    let tracer = MockTracer()
    tracer.record(try #require(Self.span(tags: tags)))
    tracer.record(try #require(Self.span(isError: true)))
    let text = Self.text(tracer)
    #expect(
      text.contains(
        #""Tags":{"text":"a \"b\"","whole":7,"fraction":0.5,"flag":true,"list":["x","y"],"nothing":null,"error":false}}"#))
    #expect(text.hasSuffix(#""Tags":{"error":true}}]"#))
  }

  @Test("is JSON whatever stands in tags", .enabled(if: IndependentReader.isWanted, "there is no Python"))
  func bounds() throws {
    let spans = try ExportSamples.bounds()
    let tracer = MockTracer()
    for traced in spans {
      let tags = traced.span.attributes.map { Attribute($0.name, $0.value, vocabulary: .classic) }
      tracer.record(
        try #require(Self.span(tags: tags + [Attribute(traced.span.name, .string(traced.span.name), vocabulary: .classic)])))
    }
    let values = try IndependentReader.json.values(in: tracer.encoded())
    #expect(values.bytes(of: "SpanID").count == spans.count)
    let names = Set(spans.map { Array($0.span.name.utf8) })
    #expect(Set(values.bytes(of: "<name>")).isSuperset(of: names))
    for name in names where name != Array("error".utf8) {
      #expect(values.contains { Array($0.text.utf8) == name && Array($0.name.utf8) == name })
    }
    #expect(values.contains { $0.text == "\(Int64.min)" } && values.contains { $0.text == "5e-324" })
  }

  @Test("a tag stands there once: the last of a name, and the span's own error")
  func repeatedTags() throws {
    let names = [("error", "mine"), ("env", "test"), ("team", "shop"), ("env", "prod")]
    let tracer = MockTracer()
    tracer.record(
      try #require(Self.span(tags: names.map { Attribute($0.0, .string($0.1), vocabulary: .classic) }, isError: true)))
    #expect(Self.text(tracer).hasSuffix(#""Tags":{"env":"prod","team":"shop","error":true}}]"#))
  }

  @Test("has an empty array when nothing finished, also after a reset")
  func empty() throws {
    let tracer = MockTracer()
    #expect(Self.text(tracer) == "[]")
    tracer.record(try #require(Self.span()))
    tracer.removeAll()
    #expect(Self.text(tracer) == "[]")
  }

  @Test("answers its two routes")
  func handlers() throws {
    let tracer = MockTracer()
    tracer.record(try #require(Self.span()))
    let finished = FinishedSpansHandler(tracer: tracer).respond(
      to: HTTPRequest(method: "GET", path: "/mocktracer/finished-spans"))
    #expect(finished.status == 200)
    #expect(finished.headers["Content-Type"] == "application/json")
    #expect(finished.body == tracer.encoded())
    let reset = MockResetHandler { tracer.removeAll() }.respond(to: HTTPRequest(method: "POST", path: "/mocktracer/reset"))
    #expect(reset.status == 200)
    #expect(String(decoding: reset.body, as: UTF8.self) == "success")
    #expect(Self.text(tracer) == "[]")
  }
}
