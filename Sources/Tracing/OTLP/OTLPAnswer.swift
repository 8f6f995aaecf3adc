import ValueStreamCore

/// What a receiver says of a request in the body of its answer.
enum OTLPAnswer {
  /// Of a success: how many spans it refused all the same, and why. Or only a warning.
  ///
  /// Source: `ExportTraceServiceResponse.partial_success` of opentelemetry-proto.
  static func partialSuccess(_ answer: HTTPResponse) -> (rejected: Int, message: String?) {
    guard isProtobuf(answer), let response = ProtobufReader.fields(of: answer.body[...]),
      let partial = response[1]?.data.flatMap({ ProtobufReader.fields(of: $0) })
    else { return (0, nil) }
    return (partial[1]?.number.map { Int(clamping: Int64(bitPattern: $0)) } ?? 0, partial[2]?.text)
  }

  /// Of an error: the message of a `google.rpc.Status`, else the text of the body.
  static func reason(_ answer: HTTPResponse) -> String? {
    if isProtobuf(answer) { return ProtobufReader.fields(of: answer.body[...])?[2]?.text }
    let text = String(decoding: answer.body.prefix(2000), as: UTF8.self)
    return text.isEmpty ? nil : text
  }

  private static func isProtobuf(_ answer: HTTPResponse) -> Bool {
    answer.headers["Content-Type"]?.lowercased().contains("protobuf") ?? false
  }
}
