import GitHubWebhooks
package import ValueStreamCore

/// Finds the source and type of a payload file, first by its path, then by its content.
package struct PayloadOrigin {
  private let sources: [any EventSource]
  private let givenSource: String?
  private let givenType: String?

  /// Creates a finder.
  ///
  /// - Parameters:
  ///   - source: the name of the source, if the user gives it.
  ///   - type: the GitHub event type, if the user gives it.
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
    if source.name == "github" {
      headers["X-GitHub-Event"] = givenType ?? Self.gitHubType(folders) ?? GitHubEventType.inferred(fromBody: body)
    }
    return Delivery(source: source.name, received: received, headers: headers, body: body)
  }

  /// Finds the type in the file name or the folder: `issues.opened.json` and `issues/opened.payload.json` are of type
  /// `issues`.
  private static func gitHubType(_ folders: [String]) -> String? {
    let name = folders.last.map { String($0.prefix { $0 != "." }) }
    return ([name].compactMap { $0 } + folders.dropLast().reversed().prefix(1)).first(where: GitHubEventType.all.contains)
  }
}
