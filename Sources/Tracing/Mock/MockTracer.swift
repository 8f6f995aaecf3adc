package import DeliveryCounters
import Synchronization
package import ValueStreamCore

/// Keeps finished classic spans for tests, which read `/mocktracer/finished-spans` and call `/mocktracer/reset`.
package final class MockTracer: Sendable {
  private let finished = Mutex<[ClassicPicture.FinishedSpan]>([])

  package init() {}

  /// Adds a classic span that has ended.
  package func record(_ span: ClassicPicture.FinishedSpan) {
    finished.withLock { $0.append(span) }
  }

  /// Removes all finished spans.
  package func removeAll() {
    finished.withLock { $0.removeAll() }
  }

  /// Returns the JSON array for `/mocktracer/finished-spans`, in the order in which the spans finished.
  package func encoded() -> [UInt8] {
    var json = JSONWriter()
    json.array(finished.withLock { $0 }) { json, finished in
      json.object { json in
        json.name("Span")
        json.object { json in
          json.name("SpanContext")
          json.object { json in
            json.member("TraceID", finished.span.traceID)
            json.member("SpanID", finished.span.spanID)
            json.member("Sampled", true)
            json.member("Baggage", nil)
          }
          json.member("ParentID", finished.span.parentID)
          json.member("OperationName", finished.span.type)
          json.member("StartTime", finished.span.start.timestamp.rfc3339)
          json.member("FinishTime", finished.finish.timestamp.rfc3339)
        }
        json.name("Tags")
        json.object { json in
          for (name, value) in Self.tags(of: finished) {
            json.name(name)
            json.value(value)
          }
          json.member("error", finished.isError)
        }
      }
    }
    return json.bytes
  }
}

extension MockTracer {
  /// Returns each tag name once, as the map in the Go program did: the last value wins. Leaves out `error`, which the
  /// caller writes.
  private static func tags(of finished: ClassicPicture.FinishedSpan) -> [(name: String, value: AttributeValue)] {
    var places: [String: Int] = [:]
    var tags: [(name: String, value: AttributeValue)] = []
    for tag in finished.span.tags where tag.name != "error" {
      if let place = places[tag.name] {
        tags[place].value = tag.value
      } else {
        places[tag.name] = tags.count
        tags.append((tag.name, tag.value))
      }
    }
    return tags
  }
}

/// Serves `/mocktracer/finished-spans`.
package struct FinishedSpansHandler: HTTPHandler {
  private let tracer: MockTracer

  package init(tracer: MockTracer) {
    self.tracer = tracer
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    .json(tracer.encoded())
  }
}

/// Serves `/mocktracer/reset`: removes all spans and finished spans, and resets deduplication.
package struct MockResetHandler: HTTPHandler {
  private let reset: @Sendable () -> Void

  package init(reset: @escaping @Sendable () -> Void) {
    self.reset = reset
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    reset()
    return .text("success")
  }
}
