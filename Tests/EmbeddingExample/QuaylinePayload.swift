import FoundationEssentials
import ValueStreamCore

/// The members of a delivery's JSON that the source reads. Only those that identify the subject are required.
struct QuaylinePayload: Decodable {
  struct Project: Decodable {
    var id: Int
    var name: String
  }

  struct Deployment: Decodable {
    enum State: String, Decodable {
      case queued, running, finished
    }

    var id: Int
    var state: State
    var environment: String?
    var commit: String?
    var note: String?
    var succeeded: Bool?
    var queuedAt: Moment?
    var startedAt: Moment?
    var finishedAt: Moment?

    enum CodingKeys: String, CodingKey {
      case id, state, environment, commit, note, succeeded
      case queuedAt = "queued_at"
      case startedAt = "started_at"
      case finishedAt = "finished_at"
    }
  }

  /// A time in Quayline's format, RFC 3339.
  struct Moment: Decodable {
    var timestamp: Timestamp

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      let text = try container.decode(String.self)
      guard let timestamp = Timestamp(rfc3339: text) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected a time such as 2026-11-02T09:00:00Z")
      }
      self.timestamp = timestamp
    }
  }

  var event: String
  var project: Project
  var deployment: Deployment?

  /// - Throws: A `PayloadError` with the path of the error. The sender receives it as the answer.
  init(_ body: [UInt8]) throws(PayloadError) {
    do {
      self = try JSONDecoder().decode(Self.self, from: Data(body))
    } catch {
      throw PayloadError(error)
    }
  }
}

extension PayloadError {
  /// Maps a decoding error to an HTTP status: 400 if the body is not JSON, 422 if required values are missing or wrong.
  fileprivate init(_ error: any Error) {
    switch error as? DecodingError {
    case .keyNotFound(let key, let context)?:
      self.init(.missingIdentity, path: Self.path(context.codingPath + [key]), reason: "expected a value, found nothing")
    case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?:
      self.init(.missingIdentity, path: Self.path(context.codingPath), reason: context.debugDescription)
    case .dataCorrupted(let context)?:
      let code: PayloadError.Code = context.codingPath.isEmpty ? .malformed : .missingIdentity
      self.init(code, path: Self.path(context.codingPath), reason: context.debugDescription)
    default: self.init(.malformed, reason: "not the JSON that is expected")
    }
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    keys.reduce("$") { path, key in key.intValue.map { "\(path)[\($0)]" } ?? "\(path).\(key.stringValue)" }
  }
}
