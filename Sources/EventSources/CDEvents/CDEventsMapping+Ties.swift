import PayloadReading
import ValueStreamCore

/// Adds aliases, parents and links to events, and connects the subjects of a chain.
extension CDEventsMapping {
  /// The place of an event among the events of its subject.
  enum Standing {
    /// The event that reports the start.
    case first
    /// An event that also shows the start, in case the first event was missed. Example: a run starts after it was
    /// queued.
    case second
    case later
  }

  /// Returns an event with its aliases, links and parents, and with further events where needed.
  ///
  /// The first event of a subject decides on its parents. For each rule, the parents of a later event count only if
  /// the first event was missed. They therefore go into a separate event whose time ranks as a time of receipt. An
  /// event in a chain also gives an event for the chain.
  ///
  /// - Parameters:
  ///   - parents: the parents that the content names.
  ///   - strangers: subjects of the chain that are no parents, because the content names others instead.
  ///   - isContained: true if a parent contains the subject. Links to what came before it then give no parents.
  ///   - others: further statements about parents. Each counts only if there is none with the same rule.
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
    event.attributes.add(AttributeName.valuestreamChainID, payload.chainID)
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

  private func tie(_ key: SubjectKey, _ ties: [FollowStatement]) -> Event {
    var event = Event(key: key, time: .receipt(time.timestamp))
    event.follows = ties
    return event
  }

  // MARK: Aliases

  private func names(_ subject: CDEventsSubject) -> [Reference] {
    let domain = payload.context.object?.text("domainId") ?? payload.root.object("subject")?.text("domainId") ?? payload.id
    let others = [DomainID(domain)?.reference, payload.chainID.map { Self.place(of: subject, in: $0) }]
    return (payload.context.id.map { Reference.events($0, from: payload.contextOrigin) } ?? []) + others.compactMap { $0 }
  }

  private var named: [Reference] { payload.classicID.map { [Reference(.classicID, $0)] } ?? [] }

  // MARK: Links

  /// The subject that triggered this one, then those that came before it.
  private var predecessors: [Reference] {
    payload.links.filter { $0.kind == .trigger }.flatMap(\.references)
      + payload.links.filter { $0.kind == .path }.flatMap(\.references)
  }

  /// Returns the links that give no parent.
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

  /// Returns the subjects of the chain that can be parents, nearest first. A chain may lack some of them.
  private func chained(_ subject: CDEventsSubject, except strangers: [CDEventsSubject]) -> [Reference] {
    guard let chain = payload.chainID else { return [] }
    return subject.above.filter { !strangers.contains($0) }.map { Self.place(of: $0, in: chain) }
  }

  private var chainKey: SubjectKey? {
    payload.chainID.map { SubjectKey(source: "cdevents", host: "", container: "", kind: "chain", id: $0) }
  }

  /// An event for the chain, a subject without a span that keeps all its other subjects in one trace.
  ///
  /// Its time is the epoch, so that all events of a chain give the same fact.
  private var chain: [Event] {
    chainKey.map { [Event(key: $0, time: .receipt(.epoch))] } ?? []
  }
}
