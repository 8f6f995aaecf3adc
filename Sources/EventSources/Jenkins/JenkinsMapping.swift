import Payloads
import ValueStreamCore

/// Turns a payload into events; a pure function of the payload, its time of receipt and the user's rules.
struct JenkinsMapping {
  let received: Timestamp
  let rules: JenkinsRules
  /// The Jenkins that sent the delivery, where a header of it says so.
  var sender: String?

  func interpretation(of payload: JenkinsPayload, document root: JSONValue) -> Interpretation {
    switch payload {
    case .build(let build): .events([event(of: build, tags: JenkinsClassicTags.build(build, root: root))])
    case .queue(let item): .events([event(of: item)])
    case .stretch(let stretch): .events([event(of: stretch)])
    case .ignored(let reason): .ignored(reason: reason)
    }
  }

  // MARK: Identity

  private func key(_ fullName: String, _ number: String, host: String?) -> SpanKey {
    JenkinsKey.build(fullName, number, host: self.host(host))
  }

  /// - Parameter named: by the payload.
  private func host(_ named: String?) -> String? { named ?? sender ?? rules.host }

  private func jobAndNumber(_ fullName: String, _ number: Int64) -> Reference {
    Reference(.jobAndNumber, "\(fullName)/\(number)")
  }

  private func queueName(_ kind: Reference.Kind, _ id: Int64?, host: String?) -> Reference? {
    id.map { Reference(kind, "\(self.host(host) ?? "")/\($0)") }
  }

  // MARK: Builds

  private func event(of build: JenkinsBuild, tags: [Attribute]) -> Event {
    let isDeploy = rules.isDeploy(build)
    let isOver = build.moment == .completed || build.moment == .finalized
    let known = [build.queued, build.started].compactMap { $0 }.max()
    let own = (isOver ? build.ended : build.moment == .queued ? build.queued : build.started) ?? known
    let time = build.isEndLate ? EventTime.receipt(own ?? received) : .vendor(own, orReceipt: received)
    var event = Event(key: key(build.fullName, String(build.number), host: build.host), time: time)
    // That one payload says nothing of a deploy takes back nothing: ends tell less than starts.
    event.usualOperation = .build
    event.operation = isDeploy ? .deploy : nil
    event.name = "\(build.fullName) #\(build.number)"
    event.project = build.fullName.split(separator: "/").dropLast().joined(separator: "/")
    if event.project?.isEmpty == true { event.project = build.fullName }
    event.owner = host(build.host)
    event.state = isOver ? .ended : build.moment == .queued ? .pending : .running
    if let begin = build.queued ?? build.started {
      event.marks.append(.begin(.vendor(begin)))
    } else if let estimate = build.estimatedStart {
      // Like a time of receipt it does not compete with what the start itself told.
      event.marks.append(.begin(.receipt(estimate)))
    } else if !isOver {
      event.marks.append(.begin(.receipt(received)))
    }
    if isOver {
      event.marks.append(.end(end(of: build, known: known)))
      event.outcome = rules.outcome(build.result)
    }
    event.phases = phases(of: build, event.outcome)
    event.publishes = names(of: build, isDeploy: isDeploy)
    event.follows = parents(of: build)
    describe(build, isDeploy: isDeploy, in: &event)
    event.attributes += tags
    event.classic = classicMark(of: build, isDeploy: isDeploy, at: .vendor(own, orReceipt: received))
    return event
  }

  /// One that is told too late competes with no better one; where there is none, the last time that the payload tells stands in for it.
  private func end(of build: JenkinsBuild, known: Timestamp?) -> EventTime {
    guard let ended = build.ended else { return .receipt(known ?? received) }
    return build.isEndLate ? .receipt(ended) : .vendor(ended)
  }

  private func names(of build: JenkinsBuild, isDeploy: Bool) -> [Reference] {
    let classic = ClassicID.make(
      source: "jenkins", type: isDeploy ? "deploy" : "build", namespace: build.jobName, id: String(build.number))
    return [
      Reference(.classicID, classic), jobAndNumber(build.fullName, build.number),
      queueName(.queueItem, build.queueItem, host: build.host),
      queueName(.queueContext, build.queueContext, host: build.host),
    ].compactMap { $0 }
  }

  private func parents(of build: JenkinsBuild) -> [FollowStatement] {
    var statements: [FollowStatement] = []
    // No words that close issues stand in the name of a branch.
    if let branch = build.branch {
      let written = WrittenReferences(.gitHub) { _ in [] }.statements(branch: branch, title: nil, body: nil)
      statements += written.filter { !$0.references.isEmpty }
    }
    if let named = build.parameter("vstrace-trace-id") {
      statements.removeAll { $0.rule == .explicitID }
      statements.append(FollowStatement(.explicitID, [Reference(.classicID, named)]))
    }
    let whole = build.wholeJob.map { jobAndNumber($0, build.number) }
    let upstream = (build.upstream ?? build.cause.flatMap(JenkinsCause.upstream)).map { jobAndNumber($0.fullName, $0.number) }
    let links = [whole, upstream, change(of: build)].compactMap { $0 }
    if !links.isEmpty { statements.append(FollowStatement(.vendorLink, links)) }
    if let commit = build.commit {
      statements.append(FollowStatement(.commit, [Reference(.commit, commit.lowercased())]))
    }
    if let branch = build.branch, let remote = build.repository.flatMap(GitRemote.init) {
      statements.append(FollowStatement(.branch, [.branch(branch, of: remote.path, host: remote.host)]))
    }
    return statements
  }

  /// The pull or merge request that a multibranch job builds.
  private func change(of build: JenkinsBuild) -> Reference? {
    guard let number = build.branch.flatMap(ChangeNumber.find), let remote = build.repository.flatMap(GitRemote.init) else {
      return nil
    }
    return .change(number, of: remote.path, host: remote.host)
  }

  private func phases(of build: JenkinsBuild, _ outcome: Outcome?) -> [PhaseStatement] {
    switch build.moment {
    case .queued: return [PhaseStatement(track: "run", name: "queue", start: build.queued ?? received)]
    case .started, .completed, .finalized:
      // An end that is told too late is not that of the run.
      let isOver = build.moment != .started && !build.isEndLate
      guard let started = build.started else {
        if build.moment == .started { return [PhaseStatement(track: "run", name: "run", start: received)] }
        let end = build.ended ?? (build.queued == nil ? received : nil)
        return isOver ? end.map { [PhaseStatement(track: "run", name: "run", end: $0, outcome: outcome)] } ?? [] : []
      }
      let end = isOver ? build.ended : nil
      let run = PhaseStatement(track: "run", name: "run", start: started, end: end, outcome: end == nil ? nil : outcome)
      guard let queued = build.queued, queued < started else { return [run] }
      return [PhaseStatement(track: "run", name: "queue", start: queued, end: started), run]
    }
  }

  private func describe(_ build: JenkinsBuild, isDeploy: Bool, in event: inout Event) {
    event.attributes.append(Attribute("cicd.pipeline.action.name", "RUN"))
    event.attributes.add("cicd.pipeline.name", build.fullName)
    event.attributes.add("cicd.pipeline.run.id", String(build.number))
    event.attributes.add("cicd.pipeline.run.url.full", build.address)
    event.attributes.add("cicd.worker.name", build.worker)
    if event.outcome?.isError == true { event.attributes.add("error.type", build.result?.lowercased()) }
    event.attributes.add(
      "vcs.repository.url.full",
      build.repository.map { repository in
        let address = WebAddress.withoutUser(repository)
        return address.hasSuffix(".git") ? String(address.dropLast(4)) : address
      })
    event.attributes.add("vcs.ref.head.name", build.branch)
    event.attributes.add("vcs.ref.head.revision", build.commit)
    if build.branch != nil { event.attributes.append(Attribute("vcs.ref.head.type", "branch")) }
    event.attributes.add("deployment.environment.name", rules.environment(of: build))
    event.attributes.add("valuestream.service", rules.service(of: build))
    event.attributes.add("valuestream.build.cause", build.cause)
    event.attributes.add("valuestream.build.actor", build.userName)
    for (name, count) in build.tests { event.attributes.add("valuestream.build.tests.\(name)", count) }
    for (name, value) in build.parameters ?? [] {
      event.attributes.append(Attribute("valuestream.build.parameter.\(name)", value))
    }
  }

  private func classicMark(of build: JenkinsBuild, isDeploy: Bool, at time: EventTime) -> ClassicMark? {
    let isStart = build.moment == .started
    guard isStart || build.moment != .queued else { return nil }
    var mark = ClassicMark(
      eventSource: "jenkins", type: isDeploy ? "deploy" : "build", isStart ? .start : .end,
      state: build.result ?? "INPROGRESS", time: time,
      begin: isStart ? nil : (build.started ?? build.estimatedStart).map(EventTime.vendor),
      isError: !isStart && build.result != "SUCCESS")
    mark.isRepeatedEnd = build.moment == .finalized
    return mark
  }

  // MARK: The queue, steps and checkouts

  /// Facts about a build that is not known yet: an item that is cancelled never becomes one, so there is no span.
  private func event(of item: JenkinsQueueItem) -> Event {
    var event = Event(
      key: key(item.jobName ?? "", SpanKey.fallbackPart("queue-\(item.id)"), host: item.host),
      time: .vendor(item.left ?? item.entered, orReceipt: received))
    if let entered = item.entered {
      event.marks = [.begin(.vendor(entered))]
      event.phases = [PhaseStatement(track: "run", name: "queue", start: entered, end: item.left)]
    }
    event.state = .pending
    event.publishes = [
      queueName(.queueItem, item.id, host: item.host), queueName(.queueContext, item.context, host: item.host),
    ].compactMap { $0 }
    return event
  }

  private func event(of stretch: JenkinsStretch) -> Event {
    let time = EventTime.vendor(stretch.end ?? stretch.start, orReceipt: received)
    var event = Event(key: key(stretch.fullName, String(stretch.number), host: nil), time: time)
    event.publishes = [jobAndNumber(stretch.fullName, stretch.number)]
    event.phases = [PhaseStatement(track: "step", name: stretch.name, start: stretch.start, end: stretch.end)]
    return event
  }
}
