package import ValueStreamCore

extension APIClient {
  /// Sends the same request at each attempt.
  ///
  /// - Parameters:
  ///   - json: the body; nil for none.
  ///   - place: the name of the request in messages, in place of its URL. For URLs whose path holds a secret.
  ///   - isRepeatable: false to send a request only once that may have been carried out although no answer came.
  ///   - read: parses a response with a 2xx status.
  package func send<Value>(
    _ method: String, _ url: String, headers: HTTPHeaders, json: JSONWriter? = nil, as place: String? = nil,
    isRepeatable: Bool = true, read: (HTTPResponse) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    var request = HTTPTransportRequest(method: method, url: url, headers: headers, body: json?.bytes ?? [])
    if json != nil { request.headers["Content-Type"] = "application/json" }
    return try await send({ _ in request }, as: place, isRepeatable: isRepeatable, read: read)
  }
}

extension APIDocument {
  /// The document in a response; nil if its body is empty.
  package static func ifPresent(in response: HTTPResponse) throws(APIError) -> APIDocument? {
    response.body.isEmpty ? nil : try APIDocument(response)
  }
}
