import GitHubWebhooks
package import ValueStreamCore

/// Finds out which source a payload on disk was sent to, and of what type: from where it lies, then from what it holds.
package struct PayloadOrigin {
  private let sources: [any EventSource]
  private let givenSource: String?
  private let givenType: String?

  /// - Parameters:
  ///   - source: the name of the source, where a user says so.
  ///   - type: the type of GitHub's event.
  package init(among sources: [any EventSource], source: String?, type: String?) {
    self.sources = sources
    givenSource = source
    givenType = type
  }

  /// The delivery that a file would have been.
  ///
  /// - Returns: nil when neither path nor content tells the source.
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
      // Understood, and of no interest.
      case .ignored: candidate = candidate ?? source
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

  /// `issues.opened.json` and `issues/opened.payload.json` are of type `issues`.
  private static func gitHubType(_ folders: [String]) -> String? {
    let name = folders.last.map { String($0.prefix { $0 != "." }) }
    return ([name].compactMap { $0 } + folders.dropLast().reversed().prefix(1)).first(where: GitHubEventType.all.contains)
  }
}
