import PayloadReading
import ValueStreamCore

/// What ties things together: links, chains, and names.
extension CDEventsMapping {
  /// Which of a thing's events this is.
  enum Standing {
    /// The one that tells its beginning.
    case first
    /// One that tells its beginning as well, if the first was missed: a run starts after it was queued.
    case second
    case later
  }

  /// What follows from an event besides what it says of its thing: its names, where it belongs, and that its chain is there.
  ///
  /// The first event of a thing says where it belongs. What later ones say, under the same rule, counts only where it was missed,
  /// so it is told apart, with a time that yields.
  ///
  /// - Parameters:
  ///   - parents: what the content says the thing belongs to.
  ///   - strangers: what of the chain it does not hang below: what the content names is another.
  ///   - isContained: true when that is what contains it, whatever came before it.
  ///   - others: what else says where it belongs, where nothing of the same rule did.
  func tied(
    _ event: Event, _ subject: CDEventsSubject, as standing: Standing, to parents: [Reference] = [],
    notBelow strangers: [CDEventsSubject] = [],
    isContained: Bool = false, others: [FollowStatement] = []
  ) -> [Event] {
    var event = event
    event.publishes += names(subject)
    if standing == .first, !isContained, let id = payload.context.id {
      event.publishes.append(Reference(.beginning, id.lowercased()))
    }
    event.links += relations(standing)
    event.attributes.add("valuestream.chain.id", payload.chainID)
    let commit = subject == .change ? nil : payload.commit
    let statements = [
      FollowStatement(.explicitID, named + (standing == .later || isContained ? [] : predecessors)),
      FollowStatement(.vendorLink, parents + chained(subject, except: strangers)),
      FollowStatement(.commit, commit.map { [Reference(.commit, $0)] } ?? []),
      FollowStatement(.chain, chainKey.map { [.key($0)] } ?? []),
    ]
    var ties: [FollowStatement] = []
    for statement in statements + others where !statement.references.isEmpty {
      if !ties.contains(where: { $0.rule == statement.rule }) { ties.append(statement) }
    }
    ties.sort { $0.rule < $1.rule }
    guard standing == .first || ties.isEmpty else { return [event, tie(event.key, ties)] + chain }
    event.follows = ties
    return [event] + chain
  }

  private func tie(_ key: SpanKey, _ ties: [FollowStatement]) -> Event {
    var event = Event(key: key, time: .receipt(time.timestamp))
    event.follows = ties
    return event
  }

  // MARK: Names

  private func names(_ subject: CDEventsSubject) -> [Reference] {
    let domain = payload.context.object?.text("domainId") ?? payload.root.object("subject")?.text("domainId") ?? payload.id
    let others = [DomainID(domain)?.reference, payload.chainID.map { Self.place(of: subject, in: $0) }]
    return (payload.context.id.map { Reference.events($0, from: payload.contextOrigin) } ?? []) + others.compactMap { $0 }
  }

  private var named: [Reference] { payload.classicID.map { [Reference(.classicID, $0)] } ?? [] }

  // MARK: Links

  /// What set the thing off, then what came before it.
  private var predecessors: [Reference] {
    payload.links.filter { $0.kind == .trigger }.flatMap(\.references)
      + payload.links.filter { $0.kind == .path }.flatMap(\.references)
  }

  /// Relations that make no parent.
  private func relations(_ standing: Standing) -> [LinkStatement] {
    payload.links.flatMap { link -> [LinkStatement] in
      switch link.kind {
      case .path: []
      case .trigger: standing == .later ? link.references.map { LinkStatement($0, rule: "trigger") } : []
      case .relation(let name): link.references.map { LinkStatement($0, rule: name) }
      }
    }
  }

  // MARK: Chains

  private static func place(of subject: CDEventsSubject, in chain: String) -> Reference {
    Reference(.chain, "\(chain)/\(subject.kind)")
  }

  /// The things of the chain that this one hangs below, if there is one of the kind.
  private func chained(_ subject: CDEventsSubject, except strangers: [CDEventsSubject]) -> [Reference] {
    guard let chain = payload.chainID else { return [] }
    return subject.above.filter { !strangers.contains($0) }.map { Self.place(of: $0, in: chain) }
  }

  private var chainKey: SpanKey? {
    payload.chainID.map { SpanKey(source: "cdevents", host: "", container: "", kind: "chain", id: $0) }
  }

  /// The chain itself: a thing without a span that holds all others in one trace. It has no time: each event says the same of it.
  private var chain: [Event] {
    chainKey.map { [Event(key: $0, time: .receipt(.epoch))] } ?? []
  }
}
