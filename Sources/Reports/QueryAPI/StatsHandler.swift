package import ValueStreamCore

/// Answers `GET /api/v1/stats` with the counts of deliveries, spans and exports.
package struct StatsHandler: HTTPHandler {
  /// The counts over the life of the store.
  package struct Stats: Sendable {
    package var recorded: Int
    package var duplicate: Int
    package var ignored: Int
    package var unreadable: Int
    package var openSpans: Int
    package var finishedSpans: Int
    package var exporters: [(name: String, pending: Int, sent: Int64, refused: Int64, dropped: Int64)]
    /// If several daemons share the store: whether this one leads, and the name of the one that does. Nil otherwise.
    package var leadership: (isLeading: Bool, leader: String?)?

    package init(
      recorded: Int, duplicate: Int, ignored: Int, unreadable: Int, openSpans: Int, finishedSpans: Int,
      exporters: [(name: String, pending: Int, sent: Int64, refused: Int64, dropped: Int64)]
    ) {
      self.recorded = recorded
      self.duplicate = duplicate
      self.ignored = ignored
      self.unreadable = unreadable
      self.openSpans = openSpans
      self.finishedSpans = finishedSpans
      self.exporters = exporters
    }
  }

  private let read: @Sendable () throws -> Stats

  /// Creates a handler that answers with the counts from `read`.
  ///
  /// - Parameter read: Waits until every delivery acknowledged so far is projected, then returns the counts.
  package init(read: @escaping @Sendable () throws -> Stats) {
    self.read = read
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    do {
      return .json(Self.encode(try read()))
    } catch {
      return .storeUnavailable(error)
    }
  }

  private static func encode(_ stats: Stats) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.name("deliveries")
      json.object { json in
        json.member("recorded", stats.recorded)
        json.member("duplicate", stats.duplicate)
        json.member("ignored", stats.ignored)
        json.member("unreadable", stats.unreadable)
      }
      json.name("spans")
      json.object { json in
        json.member("open", stats.openSpans)
        json.member("finished", stats.finishedSpans)
      }
      json.name("exporters")
      json.object { json in
        for exporter in stats.exporters {
          json.name(exporter.name)
          json.object { json in
            json.member("pending", exporter.pending)
            json.member("sent", exporter.sent)
            json.member("refused", exporter.refused)
            json.member("dropped", exporter.dropped)
          }
        }
      }
      if let leadership = stats.leadership {
        json.member("leading", leadership.isLeading)
        if let leader = leadership.leader { json.member("leader", leader) }
      }
    }
    return json.bytes
  }
}

extension HTTPResponse {
  /// Returns the response for a store that cannot be read: 503 with `Retry-After` if a retry may help, otherwise 500.
  ///
  /// The text of the error stays in the daemon's log.
  static func storeUnavailable(_ error: any Error) -> HTTPResponse {
    let isRetryable = (error as? StoreError)?.isRetryable ?? false
    var response = HTTPResponse.problem(
      isRetryable ? 503 : 500, isRetryable ? "Service Unavailable" : "Internal Server Error",
      detail: "the store cannot be read; the daemon's log says why")
    if isRetryable { response.headers["Retry-After"] = "1" }
    return response
  }
}
