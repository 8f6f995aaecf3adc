import CMicrohttpd
import ValueStreamCore

/// Turns answers into libmicrohttpd responses and queues them.
///
/// Builds the most frequent responses once and reuses them. Use it only on the server's thread.
final class AnswerWriter {
  private var prepared: [DeliveryResult: OpaquePointer] = [:]

  init() {
    for result in [DeliveryResult.recorded, .duplicate, .ignored] {
      prepared[result] = Self.response(to: .delivery(result), closes: false)
    }
  }

  deinit {
    for response in prepared.values { MHD_destroy_response(response) }
  }

  /// Queues a response on a connection.
  ///
  /// - Parameter closes: true to close the connection after the response.
  /// - Returns: the HTTP status of the queued response; nil if libmicrohttpd cannot queue it. A status outside 200...599
  ///   becomes 500.
  func queue(_ answer: RequestContext.Answer, on connection: OpaquePointer, closes: Bool) -> Int? {
    var response: HTTPResponse
    switch answer {
    case .delivery(let result):
      if !closes, let prepared = prepared[result] {
        return MHD_queue_response(connection, 200, prepared) == .YES ? 200 : nil
      }
      response = .delivery(result)
    case .response(let given): response = given
    }
    if !(200...599).contains(response.status) { response = .problem(500, "the answer has no valid status") }
    guard let made = Self.response(to: response, closes: closes) else { return nil }
    defer { MHD_destroy_response(made) }
    return MHD_queue_response(connection, UInt32(response.status), made) == .YES ? response.status : nil
  }

  private static func response(to response: HTTPResponse, closes: Bool) -> OpaquePointer? {
    guard let made = response.body.count > AnswerBudget.smallAnswer ? sharing(response.body) : copying(response.body) else {
      return nil
    }
    // libmicrohttpd rejects an invalid field, such as one with a line break. The response goes out without that field.
    for field in response.headers.fields { MHD_add_response_header(made, field.name, field.value) }
    if closes { MHD_add_response_header(made, MHD_HTTP_HEADER_CONNECTION, "close") }
    return made
  }

  private static func copying(_ body: [UInt8]) -> OpaquePointer? {
    body.withUnsafeBytes { body in
      MHD_create_response_from_buffer(
        body.count, UnsafeMutableRawPointer(mutating: body.baseAddress), body.isEmpty ? .RESPMEM_PERSISTENT : .RESPMEM_MUST_COPY)
    }
  }

  /// Keeps the bytes of an array alive while libmicrohttpd sends them.
  private final class Bytes {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
      self.bytes = bytes
    }
  }

  /// Makes a response that shares the array's bytes, so that slow clients which get the same body do not each hold a
  /// copy.
  private static func sharing(_ body: [UInt8]) -> OpaquePointer? {
    let kept = Unmanaged.passRetained(Bytes(body))
    // A retained array that nobody can change keeps its address, so the pointer stays valid until the callback.
    let made = body.withUnsafeBytes { bytes in
      MHD_create_response_from_buffer_with_free_callback_cls(
        bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress),
        { context in
          if let context { Unmanaged<Bytes>.fromOpaque(context).release() }
        }, kept.toOpaque())
    }
    if made == nil { kept.release() }
    return made
  }
}

extension HTTPResponse {
  /// The response to a delivery: one word, followed by a line about unread values if there are any.
  static func delivery(_ result: DeliveryResult, unread: UnreadValues? = nil) -> HTTPResponse {
    let word = result == .recorded ? "success" : result.rawValue
    guard let unread else { return HTTPResponse(status: 200, headers: ["Content-Type": "text/plain"], body: Array(word.utf8)) }
    return .text("\(word)\n\(unread.explanation)")
  }
}
