import FoundationEssentials
import Intake
import SourceCatalog
import ValueStreamCore

/// Reads payloads from files, and what they mean.
struct PayloadFiles: Sendable {
  let sources: [any EventSource]
  let origin: PayloadOrigin
  /// Stands in where a payload has no time.
  let received: Timestamp

  /// Paths of all payloads in a folder and those in it, sorted.
  static func list(_ directory: String) throws(CommandError) -> [String] {
    try Folder.files(in: directory, endingIn: [".json", ".ndjson"])
  }

  /// What a file holds: one payload, or one a line.
  func payloads(in path: String) throws(CommandError) -> [ExplainedPayload] {
    guard let bytes = path == "-" ? StandardInput.read() : Environment.readFile(path) else {
      throw CommandError("cannot read the file \(path)", ExitCode.noInput)
    }
    guard path.hasSuffix(".ndjson") else { return [explain(bytes, at: path)] }
    return bytes.split(separator: UInt8(ascii: "\n")).enumerated().map { index, line in
      explain(line: Array(line), at: "\(path):\(index + 1)")
    }
  }

  private func explain(_ body: [UInt8], at path: String) -> ExplainedPayload {
    let folders = path == "-" ? "" : absolute(path)
    guard let found = origin.delivery(path: folders, body: body, received: received) else {
      let reason = "which source is it of? say --source \(sources.map(\.name).joined(separator: ", --source "))"
      return ExplainedPayload(path: path, source: nil, type: nil, meaning: .failure(PayloadError(.malformed, reason: reason)))
    }
    return explain(found.delivery, of: found.source, at: path)
  }

  /// A delivery as `vsperf generate history` writes it.
  private func explain(line: [UInt8], at path: String) -> ExplainedPayload {
    struct Line: Decodable {
      var path: String
      var headers: [String: String]
      var time: String?
    }
    guard let head = try? JSONDecoder().decode(Line.self, from: Data(line)),
      let source = sources.first(where: { $0.route == head.path }), let body = Self.body(of: line)
    else {
      let error = PayloadError(.malformed, reason: "expected {\"path\": ..., \"headers\": {...}, \"body\": {...}}")
      return ExplainedPayload(path: path, source: nil, type: nil, meaning: .failure(error))
    }
    let headers = HTTPHeaders(head.headers.sorted { $0.key < $1.key }.map { HTTPHeaders.Field(name: $0.key, value: $0.value) })
    let time = head.time.flatMap { Timestamp(rfc3339: $0) } ?? received
    return explain(Delivery(source: source.name, received: time, headers: headers, body: body), of: source, at: path)
  }

  /// The bytes of the last member, as they were sent.
  private static func body(of line: [UInt8]) -> [UInt8]? {
    let name = Array("\"body\":".utf8)
    guard let start = line.firstRange(of: name)?.upperBound, let end = line.lastIndex(of: UInt8(ascii: "}")), start < end else {
      return nil
    }
    return Array(line[start..<end])
  }

  private func explain(_ delivery: Delivery, of source: any EventSource, at path: String) -> ExplainedPayload {
    let meaning = Result { () throws(PayloadError) in try source.events(in: delivery) }
    return ExplainedPayload(
      path: path, source: source.name, type: delivery.headers["X-GitHub-Event"], meaning: meaning,
      unread: UnreadValues(in: delivery))
  }

  /// With the names of the folders above, which may tell the source.
  private func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
  }
}

/// A payload, where it stands and what it means.
struct ExplainedPayload {
  var path: String
  /// Nil when nothing tells it.
  var source: String?
  /// Of a GitHub event.
  var type: String?
  var meaning: Result<Interpretation, PayloadError>
  /// What of it no type can hold.
  var unread: UnreadValues?

  /// Everything, for people.
  var text: String {
    let head =
      "\(path)\(source.map { ", \($0)\(type.map { " \($0)" } ?? "")" } ?? "")\(unread.map { "\n\($0.explanation)" } ?? "")"
    switch meaning {
    case .success(let interpretation): return "\(head)\n\(interpretation.explanation)"
    case .failure(let error): return "\(head)\n\(error.explanation)"
    }
  }

  /// In one line.
  var line: String {
    switch meaning {
    case .success(.events(let events, let branches)):
      var things: [String] = []
      for key in events.map(\.key) + branches.map(\.branch) where !things.contains(key.description) {
        things.append(key.description)
      }
      return "\(path): \(things.joined(separator: ", "))"
    case .success(.ignored(let reason)): return "\(path): ignored: \(reason)"
    case .failure(let error): return "\(path): unreadable: \(error)"
    }
  }

  /// An object.
  var json: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.member("file", path)
      json.member("source", source)
      json.member("type", type)
      json.members(of: meaning)
      json.member(unread)
    }
    return json.bytes
  }
}
