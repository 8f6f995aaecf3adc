import FoundationEssentials
package import ValueStreamCore

/// Answers `POST /api/v1/operator/exclusions`: leaves an item out of all numbers, or takes it back.
///
/// The body is JSON: `item` (a key, classic id or name) or `traceID` with `spanID` or `kind`, `reason`, and optionally `actor`,
/// `kind` and `action` (`exclude`, which is the default, or `include`). The answer comes once the decision is on disk.
package struct OperatorHandler: HTTPHandler {
  package static let path = "/api/v1/operator/exclusions"

  private let service: ExclusionService

  package init(_ service: ExclusionService) {
    self.service = service
  }

  private struct Body: Decodable {
    var action: String?
    var item: String?
    var key: String?
    var traceID: String?
    var spanID: String?
    var kind: String?
    var reason: String?
    var actor: String?
  }

  private static let bodyLimit = 16 << 10

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    let type = request.headers["Content-Type"]?.lowercased() ?? ""
    guard type.hasPrefix("application/json") else {
      return .problem(415, "Unsupported Media Type", detail: "the body must be JSON, and Content-Type application/json")
    }
    guard request.body.count <= Self.bodyLimit else {
      return .problem(413, "Content Too Large", detail: "the body may have \(Self.bodyLimit) bytes")
    }
    let body: Body
    do {
      body = try JSONDecoder().decode(Body.self, from: Data(request.body))
    } catch {
      return .problem(400, "Bad Request", detail: "the body is no JSON object whose members are texts")
    }
    guard let action = ExclusionChange.Action(rawValue: body.action ?? "exclude") else {
      return .problem(422, "Unprocessable Content", detail: "action: expected exclude or include", path: "$.action")
    }
    do {
      let change = try service.decide(
        .init(
          action, item: body.item ?? body.key ?? "", traceID: body.traceID, spanID: body.spanID, kind: body.kind,
          reason: body.reason ?? "", actor: body.actor ?? ""))
      return .json(Self.answer(change))
    } catch let rejection as ExclusionService.Rejection {
      return rejection.response
    } catch let error as LookupError {
      return error.problem
    } catch {
      service.queries.logger.error("cannot answer \(request.path): \(error)")
      return .storeUnavailable(error)
    }
  }

  private static func answer(_ change: ExclusionChange) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.member("action", change.action.rawValue)
      json.member("item", change.item.description)
      json.member("reason", change.reason)
      json.member("actor", change.actor)
    }
    return json.bytes
  }
}

extension ExclusionService.Rejection {
  /// The answer that says why.
  var response: HTTPResponse {
    var response = HTTPResponse.problem(
      status, status == 503 ? "Service Unavailable" : "Unprocessable Content", detail: detail)
    if status == 503 { response.headers["Retry-After"] = "1" }
    return response
  }
}

/// Answers `GET /api/v1/exclusions` with what persons left out of all numbers, as JSON or CSV.
package struct ExclusionsHandler: HTTPHandler {
  package static let path = "/api/v1/exclusions"

  private let service: ExclusionService

  private static let limits = 1...1000
  static let parameters = [
    APIParameter("limit", .integer(limits), "The length of a page."),
    APIParameter("cursor", .cursor, "The next of the page before."),
    APIParameter("format", .choice(["json", "csv"]), "The form of the answer."),
  ]

  static let rows = ReportRows<ExclusionService.Row>([
    ReportField("item", .text, "The key of the item. For a direct change, that of its branch, # and its id.", isNullable: false) {
      .text($0.exclusion.item.description)
    },
    .text("name", "Its name. Null if it is not known yet, or its span was removed.") { $0.name },
    .text("operation", "Such as pull_request, build or deploy, or direct_change.") { $0.operation },
    ReportField("reason", .text, "Why it is left out, in the words of a person.", isNullable: false) {
      .text($0.exclusion.reason)
    },
    ReportField("actor", .text, "Who left it out, as they said.", isNullable: false) { .text($0.exclusion.actor) },
    ReportField("time", .time, "When it was left out.", isNullable: false) { .time($0.exclusion.time) },
  ])

  package init(_ service: ExclusionService) {
    self.service = service
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    service.queries.answer(request) {
      let values = try ParameterValues(request.query, Self.parameters)
      let limit = values["limit"].flatMap { Int($0) } ?? 100
      service.queries.waitForProjection()
      let (rows, hasMore) = try service.rows(after: values["cursor"], limit: limit)
      let next = hasMore ? rows.last?.exclusion.item.description : nil
      if values["format"] == "csv" {
        var response = HTTPResponse(
          status: 200, headers: ["Content-Type": "text/csv; charset=utf-8"], body: Self.rows.csv(rows))
        if let next {
          let address = "\(Self.path)?format=csv&limit=\(limit)&cursor=\(PercentEncoding.encode(next))"
          response.headers["Link"] = "<\(address)>; rel=\"next\""
        }
        return response
      }
      var json = JSONWriter()
      json.object { json in
        Self.rows.write(rows, named: "exclusions", to: &json)
        json.member("next", next)
      }
      return .json(json.bytes)
    }
  }
}
