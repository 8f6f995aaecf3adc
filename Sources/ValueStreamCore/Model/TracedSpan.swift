/// A span in its trace: what exporters and readers get.
public struct TracedSpan: Sendable, Hashable {
  public var span: Span
  /// Its id in the Go ValueStream; nil where that had none.
  public var classicID: String?
  public var traceID: TraceID
  /// The span above it in its trace.
  public var parentSpanID: SpanID?
  /// The tie to what it belongs to, in its trace or in another: a link of the tie's rule then leads there.
  public var parent: ParentTie?
  /// The tie to a parent in another trace first, then by what their statements name; never more than
  /// ``TraceReader/linkLimit``.
  public var links: [TracedLink]

  public init(
    span: Span, classicID: String?, traceID: TraceID, parentSpanID: SpanID?, parent: ParentTie?, links: [TracedLink]
  ) {
    self.span = span
    self.classicID = classicID
    self.traceID = traceID
    self.parentSpanID = parentSpanID
    self.parent = parent
    self.links = links
  }
}

extension TracedSpan {
  private static let droppedLinksAttribute = "valuestream.links.dropped"

  /// How many links there are besides those that are shown.
  public var droppedLinkCount: Int {
    if case .int(let count) = span.attributes.value(of: Self.droppedLinksAttribute) { Int(count) } else { 0 }
  }

  /// Says in an attribute that there are more links than are shown.
  mutating func countDroppedLinks(_ count: Int) {
    guard count > 0 else { return }
    let index = span.attributes.firstIndex { $0.name >= Self.droppedLinksAttribute } ?? span.attributes.endIndex
    span.attributes.insert(Attribute(Self.droppedLinksAttribute, .int(Int64(count))), at: index)
  }
}

/// A tie across traces whose other end is known.
public struct TracedLink: Sendable, Hashable {
  public var key: SpanKey
  public var traceID: TraceID
  public var spanID: SpanID
  public var rule: String
  /// What is to be said of the tie: the lead times of a change that a deploy brought.
  public var attributes: [Attribute]

  public init(key: SpanKey, traceID: TraceID, spanID: SpanID, rule: String, attributes: [Attribute] = []) {
    self.key = key
    self.traceID = traceID
    self.spanID = spanID
    self.rule = rule
    self.attributes = attributes
  }
}

extension TracedSpan {
  /// Writes the object of `GET /api/v1/spans`, which scripts rely on.
  ///
  /// Where both vocabularies use a name, the semantic value is shown.
  public func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("key", span.key.description)
      json.member("name", span.name)
      json.member("classicID", classicID)
      json.member("operation", span.operation.rawValue)
      json.member("source", span.source)
      json.member("traceID", traceID.description)
      json.member("spanID", span.id.description)
      json.member("parentSpanID", parentSpanID?.description)
      json.member("parentKey", parent?.parent.description)
      json.member("parentRule", parent?.rule.name)
      json.member("start", span.start.rfc3339)
      json.member("end", span.end?.rfc3339)
      json.member("outcome", span.outcome?.rawValue)
      json.member("attempt", span.attempt)
      json.name("attributes")
      Self.write(span.attributes, to: &json)
      json.name("phases")
      json.array(span.phases) { json, phase in
        json.object { json in
          json.member("name", phase.name)
          json.member("start", phase.start.rfc3339)
          json.member("end", phase.end?.rfc3339)
          json.member("outcome", phase.outcome?.rawValue)
        }
      }
      json.name("events")
      json.array(span.events) { json, event in
        json.object { json in
          json.member("name", event.name)
          json.member("time", event.time.rfc3339)
          json.name("attributes")
          Self.write(event.attributes, to: &json)
        }
      }
      json.name("links")
      json.array(links) { json, link in
        json.object { json in
          json.member("key", link.key.description)
          json.member("traceID", link.traceID.description)
          json.member("spanID", link.spanID.description)
          json.member("rule", link.rule)
          json.name("attributes")
          Self.write(link.attributes, to: &json)
        }
      }
    }
  }

  /// Attributes are sorted by name, semantic before classic, so the first of a name is the one to show.
  private static func write(_ attributes: [Attribute], to json: inout JSONWriter) {
    json.object { json in
      var previous: String?
      for attribute in attributes where attribute.name != previous {
        previous = attribute.name
        json.name(attribute.name)
        json.value(attribute.value)
      }
    }
  }
}
