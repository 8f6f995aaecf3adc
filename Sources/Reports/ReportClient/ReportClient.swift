import CSV
package import ValueStreamCore

/// Why a vsd gave no report, in one line without secrets.
package struct ReportError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// No answer arrived.
    case unreachable
    /// vsd answered with another status than 200.
    case rejected
    /// The answer is not what a vsd sends.
    case unreadable
  }

  package var code: Code
  package var description: String

  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}

/// Asks a vsd for delivery reports.
package struct ReportClient: Sendable {
  let server: String
  private let token: Secret?
  let transport: any HTTPTransport
  let timeoutSeconds: Double

  /// The address of vsd for messages, without secrets.
  package var place: String { WebAddress.withoutSecrets(server) }

  /// The greatest number of pages of one list, so that a vsd that always names a next page cannot keep the command busy.
  private static let mostPages = 10_000

  /// - Parameters:
  ///   - server: The address of vsd, without a trailing slash.
  ///   - token: The read token of vsd; nil if it has none.
  ///   - timeoutSeconds: The limit for each request. The first report after an import can take a while, because vsd
  ///     first computes what is pending.
  package init(server: String, token: Secret?, transport: any HTTPTransport, timeoutSeconds: Double = 120) {
    self.server = server
    self.token = token
    self.transport = transport
    self.timeoutSeconds = timeoutSeconds
  }

  /// The number of rows to ask for at once.
  private static let pageSize = 1000

  /// Returns the rows of a report. Of a list, such as the evidence of a number, it returns all pages, or one page of the
  /// length that the query limits.
  package func rows(of query: ReportQuery) async throws(ReportError) -> ReportRows {
    var query = query
    let isOnePage = query.value(of: "limit") != nil
    if query.evidence != nil || query.report.hasPages, !isOnePage { query.set("limit", "\(Self.pageSize)") }
    var response = try await response(to: query.path(as: .csv))
    var rows = try read(response)
    for _ in 0..<Self.mostPages where !isOnePage {
      guard let cursor = Self.nextCursor(in: response) else { break }
      query.set("cursor", cursor)
      response = try await self.response(to: query.path(as: .csv))
      let page = try read(response)
      guard page.columns == rows.columns else { throw noReport("columns change from page to page") }
      rows.rows += page.rows
    }
    return rows
  }

  /// Returns all pages of a list that has an address of its own.
  ///
  /// - Parameter query: returns the query of a page, with the cursor of the page before; nil for the first page.
  func rows(at path: String, query: (_ cursor: String?) -> String) async throws(ReportError) -> ReportRows {
    var response = try await self.response(to: path + query(nil))
    var rows = try read(response)
    for _ in 0..<Self.mostPages {
      guard let cursor = Self.nextCursor(in: response) else { break }
      response = try await self.response(to: path + query(cursor))
      let page = try read(response)
      guard page.columns == rows.columns else { throw noReport("columns change from page to page") }
      rows.rows += page.rows
    }
    return rows
  }

  /// The value of the header that carries the token; nil without one.
  var authorization: String? { token.map { "Bearer \(String(decoding: $0.bytes, as: UTF8.self))" } }

  /// Returns the answer in JSON as vsd sent it.
  package func json(of query: ReportQuery) async throws(ReportError) -> [UInt8] {
    let response = try await response(to: query.path(as: .json))
    guard response.body.first(where: { !" \t\r\n".utf8.contains($0) }) == UInt8(ascii: "{") else {
      throw noReport("no JSON object")
    }
    return response.body
  }

  private func read(_ response: HTTPResponse) throws(ReportError) -> ReportRows {
    let type = response.headers["Content-Type"] ?? "text/csv"
    guard type.hasPrefix("text/csv") else { throw noReport(type) }
    do throws(CSVError) {
      return try ReportRows(csv: response.body)
    } catch {
      throw noReport("\(error)")
    }
  }

  private func noReport(_ what: String) -> ReportError {
    ReportError(.unreadable, "\(place) answered something that is no report (\(what)): is that a vsd?")
  }

  func response(to path: String) async throws(ReportError) -> HTTPResponse {
    var request = HTTPTransportRequest(method: "GET", url: server + path, timeoutSeconds: timeoutSeconds)
    request.headers["Authorization"] = authorization
    let response: HTTPResponse
    do throws(HTTPTransportError) {
      response = try await transport.send(request)
    } catch {
      throw ReportError(.unreachable, "cannot ask \(place): \(error)")
    }
    guard response.status == 200 else {
      throw ReportError(
        .rejected, "\(place) answered \(response.status): \(ProblemDetails.reason(of: response))\(Self.hint(at: response))")
    }
    return response
  }

  private static func hint(at response: HTTPResponse) -> String {
    switch response.status {
    case 401: "; VS_READ_TOKEN must be the read token that vsd was started with"
    case 404: "; a vsd of this version has these reports"
    default: ""
    }
  }

  /// Returns the cursor of the next page from the header `Link: <address>; rel="next"`; nil on the last page.
  static func nextCursor(in response: HTTPResponse) -> String? {
    for link in (response.headers["Link"] ?? "").split(separator: ",") {
      let parts = link.split(separator: ";").map { $0.trimmed }
      guard parts.dropFirst().contains(where: { ["rel=\"next\"", "rel=next"].contains($0) }), let address = parts.first
      else { continue }
      let query = address.dropFirst().dropLast().split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
      for parameter in query.split(separator: "&") where parameter.hasPrefix("cursor=") {
        return PercentEncoding.decode(parameter.dropFirst("cursor=".count))
      }
    }
    return nil
  }
}
