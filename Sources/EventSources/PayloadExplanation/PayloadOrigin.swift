import Catalog
package import ValueStreamCore

/// Finds the source and type of a payload file, first by its path, then by its content.
package struct PayloadOrigin: Sendable {
  private let sources: [any EventSource]
  private let givenSource: String?
  private let givenType: String?

  /// Creates a finder.
  ///
  /// - Parameters:
  ///   - source: the name of the source, if the user gives it.
  ///   - type: the type of the delivery, if the user gives it.
  package init(among sources: [any EventSource], source: String?, type: String?) {
    self.sources = sources
    givenSource = source
    givenType = type
  }

  /// Returns the delivery that a file would have been.
  ///
  /// - Returns: nil if neither path nor content shows the source.
  package func delivery(path: String, body: [UInt8], received: Timestamp) -> (source: any EventSource, delivery: Delivery)? {
    let folders = path.split(separator: "/").map(String.init)
    guard let source = source(folders: folders, body: body, received: received) else { return nil }
    return (source, delivery(to: source, folders: folders, body: body, received: received))
  }

  /// Returns the type that a delivery names only in its header; nil for sources whose bodies show it.
  package static func type(of delivery: Delivery) -> String? {
    guard let factory = SourceCatalog.factory(named: delivery.source), factory.payloadTypes != nil else { return nil }
    return factory.typeHeader.flatMap { delivery.headers[$0] }
  }

  private func source(folders: [String], body: [UInt8], received: Timestamp) -> (any EventSource)? {
    if let givenSource { return sources.first { $0.name == givenSource } }
    for folder in folders.dropLast().reversed() {
      if let source = sources.first(where: { $0.name == folder.lowercased() }) { return source }
    }
    var candidate: (any EventSource)?
    for source in sources {
      let delivery = delivery(to: source, folders: folders, body: body, received: received)
      switch try? source.events(in: delivery) {
      case .events: return source
      // The source can parse the payload, but has no use for it.
      case .ignored, .exclusion: candidate = candidate ?? source
      case nil: continue
      }
    }
    return candidate
  }

  private func delivery(to source: any EventSource, folders: [String], body: [UInt8], received: Timestamp) -> Delivery {
    var headers: HTTPHeaders = ["Content-Type": "application/json"]
    if let factory = SourceCatalog.factory(named: source.name), let header = factory.typeHeader, let types = factory.payloadTypes
    {
      headers[header] = givenType ?? Self.type(folders, among: types.all) ?? types.inferred(body)
    }
    return Delivery(source: source.name, received: received, headers: headers, body: body)
  }

  /// Finds the type in the file name or the folder: `issues.opened.json` and `issues/opened.payload.json` are of type
  /// `issues`.
  private static func type(_ folders: [String], among types: Set<String>) -> String? {
    let name = folders.last.map { String($0.prefix { $0 != "." }) }
    return ([name].compactMap { $0 } + folders.dropLast().reversed().prefix(1)).first(where: types.contains)
  }
}
