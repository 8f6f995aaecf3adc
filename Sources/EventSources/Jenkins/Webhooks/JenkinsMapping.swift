import PayloadReading
import ValueStreamCore

/// Turns a payload into events. The result depends only on the payload, the headers, the time of receipt and the
/// user's rules.
struct JenkinsMapping {
  let received: Timestamp
  let rules: JenkinsRules
  /// The host of the Jenkins server from a header of the delivery. Nil if there is no such header.
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

  private func key(_ fullName: String, _ number: String, host: String?) -> SubjectKey {
    JenkinsKey.build(fullName, number, host: self.host(host))
  }

  /// Returns the host of the Jenkins server: from the payload, else from the delivery's header, else from the user's
  /// rules.
  ///
  /// - Parameter named: the host in the payload.
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
    let isOver = build.stage == .completed || build.stage == .finalized
    let known = [build.queued, build.started].compactMap { $0 }.max()
    let own = (isOver ? build.ended : build.stage == .queued ? build.queued : build.started) ?? known
    let time = build.isEndLate ? EventTime.receipt(own ?? received) : .vendor(own, orReceipt: received)
    var event = Event(key: key(build.fullName, String(build.number), host: build.host), time: time)
    // A payload that does not show a deploy takes nothing back: payloads of ends have less than those of starts.
    event.usualOperation = .build
    event.operation = isDeploy ? .deploy : nil
    event.name = "\(build.fullName) #\(build.number)"
    event.project = build.fullName.split(separator: "/").dropLast().joined(separator: "/")
    if event.project?.isEmpty == true { event.project = build.fullName }
    event.owner = host(build.host)
    event.state = isOver ? .ended : build.stage == .queued ? .pending : .running
    if let begin = build.queued ?? build.started {
      event.marks.append(.begin(.vendor(begin)))
    } else if let estimate = build.estimatedStart {
      // The estimate ranks as a time of receipt, so that the start from another payload wins.
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

  /// Returns the end of a build. A late end ranks as a time of receipt, so that a better one wins.
  ///
  /// If the payload has no end, its last time stands in.
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
    // Branch names have no closing words, so there are no issues to return.
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

  /// Returns the pull or merge request that a multibranch job builds.
  private func change(of build: JenkinsBuild) -> Reference? {
    guard let number = build.branch.flatMap(ChangeNumber.find), let remote = build.repository.flatMap(GitRemote.init) else {
      return nil
    }
    return .change(number, of: remote.path, host: remote.host)
  }

  private func phases(of build: JenkinsBuild, _ outcome: Outcome?) -> [PhaseStatement] {
    switch build.stage {
    case .queued: return [PhaseStatement(track: "run", name: "queue", start: build.queued ?? received)]
    case .started, .completed, .finalized:
      // A late end is not the end of the run.
      let isOver = build.stage != .started && !build.isEndLate
      guard let started = build.started else {
        if build.stage == .started { return [PhaseStatement(track: "run", name: "run", start: received)] }
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
    event.attributes.append(Attribute(AttributeName.cicdPipelineActionName, "RUN"))
    event.attributes.add(AttributeName.cicdPipelineName, build.fullName)
    event.attributes.add(AttributeName.valuestreamPipelineProject, build.multibranchProject)
    event.attributes.add(AttributeName.cicdPipelineRunID, String(build.number))
    event.attributes.add(AttributeName.cicdPipelineRunURLFull, build.address)
    event.attributes.add(AttributeName.cicdWorkerName, build.worker)
    if event.outcome?.isError == true { event.attributes.add(AttributeName.errorType, build.result?.lowercased()) }
    event.attributes.add(
      AttributeName.vcsRepositoryURLFull,
      build.repository.map { repository in
        let address = WebAddress.withoutUser(repository)
        return address.hasSuffix(".git") ? String(address.dropLast(4)) : address
      })
    event.attributes.add(AttributeName.vcsRefHeadName, build.branch)
    event.attributes.add(AttributeName.vcsRefHeadRevision, build.commit)
    if build.branch != nil { event.attributes.append(Attribute(AttributeName.vcsRefHeadType, "branch")) }
    event.attributes.add(AttributeName.deploymentEnvironmentName, rules.environment(of: build))
    event.attributes.add(AttributeName.valuestreamService, rules.service(of: build))
    event.attributes.add(AttributeName.valuestreamBuildCause, build.cause)
    event.attributes.add(AttributeName.valuestreamBuildActor, build.userName)
    for (name, count) in build.tests { event.attributes.add("valuestream.build.tests.\(name)", count) }
    for (name, value) in build.parameters ?? [] {
      event.attributes.append(Attribute("valuestream.build.parameter.\(name)", value))
    }
  }

  private func classicMark(of build: JenkinsBuild, isDeploy: Bool, at time: EventTime) -> ClassicMark? {
    let isStart = build.stage == .started
    guard isStart || build.stage != .queued else { return nil }
    var mark = ClassicMark(
      eventSource: "jenkins", type: isDeploy ? "deploy" : "build", isStart ? .start : .end,
      state: build.result ?? "INPROGRESS", time: time,
      begin: isStart ? nil : (build.started ?? build.estimatedStart).map(EventTime.vendor),
      isError: !isStart && build.result != "SUCCESS")
    mark.isRepeatedEnd = build.stage == .finalized
    return mark
  }

  // MARK: The queue, steps and checkouts

  /// Maps an item of the queue, before its build is known. It has no span, because a cancelled item never becomes a
  /// build.
  private func event(of item: JenkinsQueueItem) -> Event {
    var event = Event(
      key: key(item.jobName ?? "", SubjectKey.fallbackPart("queue-\(item.id)"), host: item.host),
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
    var event = Event(key: key(stretch.fullName, String(stretch.number), host: stretch.host), time: time)
    event.publishes = [jobAndNumber(stretch.fullName, stretch.number)]
    event.phases = [PhaseStatement(track: "step", name: stretch.name, start: stretch.start, end: stretch.end)]
    return event
  }
}
