import FoundationEssentials
import PayloadReading
package import ValueStreamCore

/// Shows what payloads become, as vsd reads them.
package struct PayloadExplainer: Sendable {
  private let sources: [any EventSource]
  private let origin: PayloadOrigin
  private let received: Timestamp

  /// - Parameters:
  ///   - origin: Finds the source of a payload.
  ///   - received: The time to assume for a payload that contains none.
  package init(sources: [any EventSource], origin: PayloadOrigin, received: Timestamp) {
    self.sources = sources
    self.origin = origin
    self.received = received
  }

  /// Interprets the payloads in a file.
  ///
  /// - Parameter path: The path of the file; `-` for standard input. A file that ends in `.ndjson` has a delivery on each line, in
  ///   the format of `HistoryDelivery`; any other file is one payload.
  package func payloads(_ bytes: [UInt8], at path: String) -> [ExplainedPayload] {
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

  private func explain(line: [UInt8], at path: String) -> ExplainedPayload {
    guard let delivery = HistoryDelivery(line: line, defaultTime: received),
      let source = sources.first(where: { $0.route == delivery.path })
    else {
      let error = PayloadError(.malformed, reason: "expected {\"path\": ..., \"headers\": {...}, \"body\": {...}}")
      return ExplainedPayload(path: path, source: nil, type: nil, meaning: .failure(error))
    }
    return explain(
      Delivery(source: source.name, received: delivery.time, headers: delivery.headers, body: delivery.body), of: source, at: path
    )
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
