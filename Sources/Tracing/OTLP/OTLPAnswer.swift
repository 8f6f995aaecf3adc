import Export
import FoundationEssentials
import ValueStreamCore

/// Reads the bodies of responses from OTLP backends, which come in the format of the request.
enum OTLPAnswer {
  /// Reads from a successful response how many spans the backend rejected nevertheless, and why.
  ///
  /// If it rejected none, a message is a warning.
  ///
  /// Source: `ExportTraceServiceResponse.partial_success` of opentelemetry-proto.
  static func partialSuccess(_ answer: HTTPResponse) -> (rejected: Int, message: String?) {
    if has("json", answer) {
      let partial = decode(JSONResponse.self, answer)?.partialSuccess
      return (partial?.rejectedSpans?.count ?? 0, partial?.errorMessage.flatMap { $0.isEmpty ? nil : $0 })
    }
    guard has("protobuf", answer), let response = ProtobufReader.fields(of: answer.body[...]),
      let partial = response[1]?.data.flatMap({ ProtobufReader.fields(of: $0) })
    else { return (0, nil) }
    return (partial[1]?.number.map { Int(clamping: Int64(bitPattern: $0)) } ?? 0, partial[2]?.text)
  }

  /// Reads the reason from an error response: the message of a `google.rpc.Status`, otherwise the text of the body; nil
  /// if there is none.
  static func reason(_ answer: HTTPResponse) -> String? {
    if has("protobuf", answer) { return ProtobufReader.fields(of: answer.body[...])?[2]?.text }
    if has("json", answer), let message = decode(JSONStatus.self, answer)?.message, !message.isEmpty { return message }
    return ExportClient.plainReason(answer)
  }

  private static func has(_ type: String, _ answer: HTTPResponse) -> Bool {
    answer.headers["Content-Type"]?.lowercased().contains(type) ?? false
  }

  // MARK: JSON

  private struct JSONResponse: Decodable {
    struct PartialSuccess: Decodable {
      var rejectedSpans: Count?
      var errorMessage: String?
    }

    var partialSuccess: PartialSuccess?
  }

  private struct JSONStatus: Decodable {
    var message: String
  }

  /// A 64-bit number. Protobuf's JSON has it as a string, but a number is accepted as well.
  private struct Count: Decodable {
    var count: Int

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Int.self) {
        count = number
      } else {
        count = Int(try container.decode(String.self)) ?? 0
      }
    }
  }

  private static func decode<Value: Decodable>(_ type: Value.Type, _ answer: HTTPResponse) -> Value? {
    try? JSONDecoder().decode(type, from: Data(answer.body))
  }
}
