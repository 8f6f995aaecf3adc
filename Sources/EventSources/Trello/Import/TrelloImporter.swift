package import APIClient
import PayloadReading
package import ValueStreamCore

/// Reads the actions of Trello boards as webhook deliveries.
///
/// A container is a board, such as `5abbe4b7 actions`. Trello lists the newest action first.
package struct TrelloImporter: Importer {
  private let address: String
  private let headers: HTTPHeaders
  private let client: APIClient
  private let boards: [String]
  private let period: RecordPeriod

  /// The most actions that Trello lists at once.
  private static let pageSize = 1000
  private static let suffix = " actions"

  /// - Parameters:
  ///   - address: the address of the API without a trailing slash: `https://api.trello.com`.
  ///   - key: the key of the Trello app.
  ///   - token: a token of the app that may read the boards.
  ///   - boards: ids or short links of boards.
  ///   - period: applies to the time of an action.
  package init(
    _ address: String, key: Secret, token: Secret, client: APIClient, boards: [String], period: RecordPeriod
  ) {
    self.address = address
    // A header, because addresses end up in logs.
    let (key, token) = (String(decoding: key.bytes, as: UTF8.self), String(decoding: token.bytes, as: UTF8.self))
    headers = ["Authorization": "OAuth oauth_consumer_key=\"\(key)\", oauth_token=\"\(token)\"", "Accept": "application/json"]
    self.client = client
    self.boards = boards
    self.period = period
  }

  package func containers() async throws(APIError) -> RecordContainers {
    RecordContainers(boards.map { $0 + Self.suffix })
  }

  package func page(
    of container: String, after cursor: String?, atMost limit: Int?
  ) async throws(APIError) -> SourcePage<ImportedDelivery> {
    let board = PercentEncoding.encode(String(container.dropLast(Self.suffix.count)))
    let fields = "name,desc,closed,idOrganization,url,shortUrl,shortLink"
    let model = try await get("/1/boards/\(board)?fields=\(fields)") { document throws(APIError) in
      var json = JSONWriter()
      json.value(try document.object().value)
      return json.bytes
    }
    let since = period.since.map { "&since=\($0.rfc3339)" } ?? ""
    let before = (cursor ?? period.until?.rfc3339).map { "&before=\(PercentEncoding.encode($0))" } ?? ""
    return try await get("/1/boards/\(board)/actions?limit=\(Self.pageSize)\(since)\(before)") { document throws(APIError) in
      let listing = try document.records()
      let last = listing.items.last
      let count = listing.items.count + listing.missing
      var page = SourcePage(
        rows: listing.items.compactMap { Self.delivery($0, model: model) },
        next: count < Self.pageSize ? nil : last?.text("id"), notes: listing.notes, missing: listing.missing)
      page.reached = last?.time("date")
      return page
    }
  }

  private func get<Value>(
    _ path: String, read: (APIDocument) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    do throws(APIError) {
      return try await client.send { _ in
        HTTPTransportRequest(method: "GET", url: address + path, headers: headers)
      } read: { response throws(APIError) in
        try read(try APIDocument(response))
      }
    } catch {
      var error = error
      if [.notFound, .forbidden].contains(error.code) {
        error.description += "; check the id of the board, and that the token may read it"
      }
      throw error
    }
  }

  /// Returns the delivery of an action. The API and the webhook tell the same action; the webhook adds the board.
  private static func delivery(_ action: PayloadObject, model: [UInt8]) -> ImportedDelivery? {
    guard let id = action.text("id"), let date = action.time("date") else { return nil }
    var json = JSONWriter(capacity: 2000)
    json.object { json in
      json.member("action", action, setting: []) { $0 == "limits" }
      json.name("model")
      json.value(json: model)
    }
    return ImportedDelivery(
      source: "trello", id: ("action", PercentEncoding.encode(id), "1"), time: date, body: json.bytes)
  }

  /// Trello does not say how many actions a board has.
  package func estimate(of container: String) async throws(APIError) -> ImportEstimate {
    let board = PercentEncoding.encode(String(container.dropLast(Self.suffix.count)))
    let count = try await get("/1/boards/\(board)/actions?limit=\(Self.pageSize)&fields=date") { document throws(APIError) in
      try document.list().count
    }
    return ImportEstimate(records: count, requests: 2 * (1 + count / Self.pageSize))
  }

  package func quota() async throws(APIError) -> RequestQuota? { nil }
}
