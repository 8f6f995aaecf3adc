/// A span with its place in a trace, as exporters and API clients receive it.
public struct TracedSpan: Sendable, Hashable {
  public var span: Span
  /// The span's id in the Go ValueStream; nil if it has none.
  public var classicID: String?
  public var traceID: TraceID
  /// The parent span in the same trace; nil for a root.
  public var parentSpanID: SpanID?
  /// The tie to the parent, in this trace or another. For a parent in another trace, ``links`` has a link with the tie's
  /// rule.
  public var parent: ParentTie?
  /// Links to other traces: first the one to a parent, then the others in order of their references.
  ///
  /// At most ``TraceReader/linkLimit``.
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
  /// The number of links beyond the ones in ``links``.
  public var droppedLinkCount: Int {
    if case .int(let count) = span.attributes.value(of: AttributeName.valuestreamLinksDropped) { Int(count) } else { 0 }
  }

  /// Records in an attribute how many links are not shown.
  mutating func countDroppedLinks(_ count: Int) {
    guard count > 0 else { return }
    let index = span.attributes.firstIndex { $0.name >= AttributeName.valuestreamLinksDropped } ?? span.attributes.endIndex
    span.attributes.insert(Attribute(AttributeName.valuestreamLinksDropped, .int(Int64(count))), at: index)
  }
}

/// A link to a known subject in another trace.
public struct TracedLink: Sendable, Hashable {
  public var key: SubjectKey
  public var traceID: TraceID
  public var spanID: SpanID
  public var rule: String
  /// Attributes of the link, such as the lead times of a change that a deploy contains.
  public var attributes: [Attribute]
  /// The display name of the subject, such as `acme/site#40`. Nil if it is unknown.
  public var name: String?
  /// What the subject is, if it is a change.
  public var change: LinkedChange?

  public init(
    key: SubjectKey, traceID: TraceID, spanID: SpanID, rule: String, attributes: [Attribute] = [], name: String? = nil,
    change: LinkedChange? = nil
  ) {
    self.key = key
    self.traceID = traceID
    self.spanID = spanID
    self.rule = rule
    self.attributes = attributes
    self.name = name
    self.change = change
  }
}

/// What people call a linked change. Nil if unknown.
public struct LinkedChange: Sendable, Hashable {
  public var title: String?
  /// The number of the pull or merge request, as its vendor writes it.
  public var number: String?
  /// Its page at the vendor.
  public var address: String?

  public init(title: String? = nil, number: String? = nil, address: String? = nil) {
    self.title = title
    self.number = number
    self.address = address
  }
}

extension TracedSpan {
  /// Writes the span as an object of `GET /api/v1/spans`. Scripts rely on this format.
  ///
  /// If both vocabularies use a name, the semantic value is shown.
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
          json.member("name", link.name)
          if let change = link.change {
            json.member("title", change.title)
            json.member("number", change.number)
            json.member("address", change.address)
          }
        }
      }
    }
  }

  /// Writes the first attribute of each name. Semantic ones come first, because the list is sorted by name, then
  /// vocabulary.
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
