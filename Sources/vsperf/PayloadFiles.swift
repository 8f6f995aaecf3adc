import Catalog
import FoundationEssentials
import Intake
import ValueStreamCore

/// Reads payloads from files and interprets them.
struct PayloadFiles: Sendable {
  let sources: [any EventSource]
  let origin: PayloadOrigin
  /// The time to assume for a payload that contains none.
  let received: Timestamp

  /// Returns the sorted paths of all payload files in a folder and its subfolders.
  static func list(_ directory: String) throws(CommandError) -> [String] {
    try Folder.files(in: directory, endingIn: [".json", ".ndjson"])
  }

  /// Returns the payloads in a file: one per line if it ends in `.ndjson`, otherwise one.
  func payloads(in path: String) throws(CommandError) -> [ExplainedPayload] {
    guard let bytes = path == "-" ? StandardInput.read() : Environment.readFile(path) else {
      throw CommandError(UnreadableFile(path).description, ExitCode.noInput)
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

  /// Interprets a delivery in the format of `vsperf generate history`.
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

  /// Returns the bytes of the last member, `body`, unchanged.
  static func body(of line: [UInt8]) -> [UInt8]? {
    let name = Array("\"body\":".utf8)
    guard let start = line.firstRange(of: name)?.upperBound, let end = line.lastIndex(of: UInt8(ascii: "}")), start < end else {
      return nil
    }
    return Array(line[start..<end])
  }

  private func explain(_ delivery: Delivery, of source: any EventSource, at path: String) -> ExplainedPayload {
    let meaning = Result { () throws(PayloadError) in try source.events(in: delivery) }
    return ExplainedPayload(
      path: path, source: source.name, type: PayloadOrigin.type(of: delivery), meaning: meaning,
      unread: UnreadValues(in: delivery))
  }

  /// Returns the absolute path, because the names of parent folders may identify the source.
  private func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
  }
}

/// A payload with its location and its interpretation.
struct ExplainedPayload {
  var path: String
  /// The name of the source; nil if it is unknown.
  var source: String?
  /// The type, for sources that name it only in a header.
  var type: String?
  var meaning: Result<Interpretation, PayloadError>
  /// The values in the payload that no type can represent.
  var unread: UnreadValues?

  /// The full explanation, for people.
  var text: String {
    let head =
      "\(path)\(source.map { ", \($0)\(type.map { " \($0)" } ?? "")" } ?? "")\(unread.map { "\n\($0.explanation)" } ?? "")"
    switch meaning {
    case .success(let interpretation): return "\(head)\n\(interpretation.explanation)"
    case .failure(let error): return "\(head)\n\(error.explanation)"
    }
  }

  /// The explanation in one line.
  var line: String {
    switch meaning {
    case .success(.events(let events, let branches)):
      var items: [String] = []
      for key in events.map(\.key) + branches.map(\.branch) where !items.contains(key.description) {
        items.append(key.description)
      }
      return "\(path): \(items.joined(separator: ", "))"
    case .success(.exclusion(let change)): return "\(path): \(change.action.rawValue) \(change.item)"
    case .success(.ignored(let reason)): return "\(path): ignored: \(reason)"
    case .failure(let error): return "\(path): unreadable: \(error)"
    }
  }

  /// The explanation as a JSON object.
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
