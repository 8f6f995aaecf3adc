import ValueStreamCore

/// Responses in the JSON format of Jaeger's query service.
///
/// Source: `model/json/model.go` and `cmd/query/app/http_handler.go` of Jaeger.
enum JaegerAnswer {
  /// Returns a response with a list of elements, such as service names.
  static func list<Element>(_ elements: [Element], _ write: (inout JSONWriter, Element) -> Void) -> HTTPResponse {
    envelope(total: elements.count) { json in json.array(elements, write) }
  }

  /// Returns a response with traces, until `byteBudget` is reached.
  ///
  /// - Parameters:
  ///   - damagedCount: The number of damaged subjects left out of the search. Each trace gets a warning about them.
  ///   - next: Reads the next trace; returns nil after the last one.
  static func traces(
    now: Timestamp, byteBudget: Int, damagedCount: Int = 0, next: () throws -> Trace?
  ) rethrows -> HTTPResponse {
    try envelope(total: 0) { json in
      try json.array(CollectionOfOne(byteBudget)) { json, byteBudget in
        while let trace = try next() {
          Self.write(trace, now: now, byteBudget: byteBudget, damagedCount: damagedCount, to: &json)
          // Jaeger has no cursors: a client that needs more traces has to query a shorter period.
          if json.bytes.count >= byteBudget { return }
        }
      }
    }
  }

  static func error(_ status: Int, _ message: String) -> HTTPResponse {
    envelope(
      status: status, total: 0,
      errors: { json in
        json.array(CollectionOfOne(message)) { json, message in
          json.object { json in
            json.member("code", status)
            json.member("msg", message)
          }
        }
      },
      data: { $0.value(nil as String?) })
  }

  private static func envelope(
    status: Int = 200, total: Int, errors: (inout JSONWriter) -> Void = { $0.value(nil as String?) },
    data: (inout JSONWriter) throws -> Void
  ) rethrows -> HTTPResponse {
    var json = JSONWriter()
    try json.object { json in
      json.name("data")
      try data(&json)
      json.member("total", total)
      json.member("limit", 0)
      json.member("offset", 0)
      json.name("errors")
      errors(&json)
    }
    return .json(json.bytes, status: status)
  }

  // MARK: Traces

  private static func write(
    _ trace: Trace, now: Timestamp, byteBudget: Int, damagedCount: Int, to json: inout JSONWriter
  ) {
    var processes: [String] = []
    var isTruncated = trace.isTruncated
    json.object { json in
      json.member("traceID", trace.id.description)
      json.name("spans")
      json.array(CollectionOfOne(trace.spans)) { json, spans in
        for traced in spans {
          // The root is always written, even if the budget is used up.
          guard json.bytes.count < byteBudget || processes.isEmpty else {
            isTruncated = true
            return
          }
          for shown in SpanPresentation.presentations(of: traced, SpanPresentation.Options()) {
            if !processes.contains(shown.serviceName) { processes.append(shown.serviceName) }
            let process = (processes.firstIndex(of: shown.serviceName) ?? 0) + 1
            write(shown, of: traced.span, process: "p\(process)", now: now, to: &json)
          }
        }
      }
      json.name("processes")
      json.object { json in
        for (index, service) in processes.enumerated() {
          json.name("p\(index + 1)")
          json.object { json in
            json.member("serviceName", service)
            json.name("tags")
            json.array([Attribute]()) { json, tag in write(tag, to: &json) }
          }
        }
      }
      json.name("warnings")
      let damage = damagedCount > 0 ? ["the search left out damaged items (\(damagedCount) or more); vsd check names them"] : []
      write(warnings: (isTruncated ? ["there are more spans than are shown"] : []) + damage, to: &json)
    }
  }

  private static func write(
    _ shown: SpanPresentation, of span: Span, process: String, now: Timestamp, to json: inout JSONWriter
  ) {
    let end = span.end ?? max(now, shown.start)
    json.object { json in
      json.member("traceID", shown.traceID.description)
      json.member("spanID", shown.spanID.description)
      // W3C trace flags: sampled.
      json.member("flags", 1)
      json.member("operationName", shown.name)
      json.name("references")
      json.array(references(of: shown)) { json, reference in
        json.object { json in
          json.member("refType", reference.type)
          json.member("traceID", reference.traceID.description)
          json.member("spanID", reference.spanID.description)
        }
      }
      json.member("startTime", microseconds(shown.start))
      json.member("duration", microseconds(end) - microseconds(shown.start))
      json.name("tags")
      json.array(tags(of: shown) + (span.isFinished ? [] : [Attribute(AttributeName.valuestreamOpen, true)])) { json, tag in
        write(tag, to: &json)
      }
      json.name("logs")
      json.array(logs(of: shown, span)) { json, event in
        json.object { json in
          json.member("timestamp", microseconds(event.time))
          json.name("fields")
          json.array([Attribute("event", .string(event.name))] + event.attributes) { json, field in write(field, to: &json) }
        }
      }
      json.member("processID", process)
      json.name("warnings")
      write(warnings: span.isFinished ? [] : ["it still runs; its duration is that until now"], to: &json)
    }
  }

  private static func write(warnings: [String], to json: inout JSONWriter) {
    if warnings.isEmpty { return json.value(nil as String?) }
    json.array(warnings) { $0.value($1) }
  }

  /// Returns whole microseconds since 1970, rounded down.
  private static func microseconds(_ time: Timestamp) -> Int64 {
    let whole = time.nanoseconds / 1000
    return time.nanoseconds % 1000 < 0 ? whole - 1 : whole
  }

  private static func references(of span: SpanPresentation) -> [(type: String, traceID: TraceID, spanID: SpanID)] {
    (span.parentSpanID.map { [("CHILD_OF", span.traceID, $0)] } ?? [])
      + span.links.map { ("FOLLOWS_FROM", $0.traceID, $0.spanID) }
  }

  /// Returns the span events and phases of a span, including phases that are still open, which exporters omit.
  private static func logs(of shown: SpanPresentation, _ span: Span) -> [SpanEvent] {
    let lasting = span.phases.filter { $0.end == nil }.map { phase in
      SpanEvent(
        name: "phase", time: phase.start,
        attributes: [
          Attribute(AttributeName.valuestreamPhaseName, .string(phase.name)),
          Attribute(AttributeName.valuestreamPhaseTrack, .string(phase.track)),
        ])
    }
    return (shown.events + lasting).sorted { ($0.time, $0.name) < ($1.time, $1.name) }
  }

  // MARK: Tags

  static func name(of kind: SpanPresentation.Kind) -> String {
    switch kind {
    case .server: "server"
    case .internal: "internal"
    }
  }

  /// Returns the tags of a span, including those that Jaeger derives from its kind and status.
  private static func tags(of span: SpanPresentation) -> [Attribute] {
    let kind = Attribute("span.kind", .string(name(of: span.kind)))
    let error = span.isError ? [Attribute("error", true)] : []
    return span.attributes.filter { !span.isError || $0.name != "error" } + [kind] + error
  }

  /// True if a tag or a log field of the span has this name and value.
  static func has(_ name: String, _ value: String, _ span: SpanPresentation) -> Bool {
    (tags(of: span) + span.events.flatMap(\.attributes)).contains { $0.name == name && text(of: $0.value).value == value }
  }

  private static func write(_ tag: Attribute, to json: inout JSONWriter) {
    json.object { json in
      json.member("key", tag.name)
      json.member("type", text(of: tag.value).type)
      json.name("value")
      if case .strings = tag.value { json.value(text(of: tag.value).value) } else { json.value(tag.value) }
    }
  }

  /// Returns the name of a value's type and the value as the text that Jaeger compares.
  private static func text(of value: AttributeValue) -> (type: String, value: String) {
    switch value {
    case .string(let text): return ("string", text)
    case .int(let number): return ("int64", "\(number)")
    case .double(let number): return ("float64", "\(number)")
    case .bool(let flag): return ("bool", "\(flag)")
    // Jaeger has no lists: they become strings of JSON.
    case .strings, .null:
      var json = JSONWriter()
      json.value(value)
      return ("string", String(decoding: json.bytes, as: UTF8.self))
    }
  }
}
