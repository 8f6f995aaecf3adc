import DeliveryFacts
import ValueStreamCore

/// Makes the events of a small organization, in minutes since a start.
struct FactWorld {
  /// An event or a push, as one delivery brings it.
  enum Item {
    case event(Event)
    case push(BranchUpdate)
  }

  private(set) var items: [Item] = []
  var repository = "1"
  static let start = Timestamp(seconds: 1_767_225_600)

  static func time(_ minute: Double) -> Timestamp { start.advanced(bySeconds: minute * 60) }

  static func hash(_ commit: String) -> String {
    let digest = SHA256.hash(of: commit)
    return stride(from: 0, to: 24, by: 8).map { SpanID(rawValue: digest.word(at: $0)).description }.joined().prefix(40)
      .description
  }

  func key(_ kind: String, _ id: String) -> SubjectKey {
    SubjectKey(source: "github", host: "github.com", container: repository, kind: kind, id: id)
  }

  mutating func add(_ event: Event) {
    var event = event
    event.project = event.project ?? "acme/\(repository)"
    event.owner = "github.com/acme"
    items.append(.event(event))
  }

  // MARK: Pushes

  mutating func push(
    _ branch: String, at minute: Double, from old: String?, to new: String, _ commits: [String] = [], services: [String]? = nil,
    isForced: Bool = false
  ) {
    let commits = commits.isEmpty ? [new] : commits
    items.append(
      .push(
        BranchUpdate(
          branch: key("branch", branch), kind: old == nil ? .created : .moved, time: .vendor(Self.time(minute)),
          before: old.map(Self.hash), after: Self.hash(new),
          commits: commits.map { BranchCommit(Self.hash($0), time: Self.time(minute - 1), services: services) },
          isForced: isForced, isDefaultBranch: branch == "main")))
  }

  /// Tells the creation or deletion of a branch without commits.
  mutating func create(_ branch: String, at minute: Double, isDeletion: Bool = false) {
    items.append(
      .push(
        BranchUpdate(
          branch: key("branch", branch), kind: isDeletion ? .deleted : .created, time: .receipt(Self.time(minute)), before: nil,
          after: nil, commits: [], isForced: false, isDefaultBranch: false)))
  }

  // MARK: Changes

  struct Request {
    var number: Int
    var head: String
    var branch: String
    var base = "main"
    var title = "A change"
    var author = "ada"
    var labels: [String] = []
    var issue: String?
    var opened: Double
    var isDraft = false
    /// The number of commits, if the vendor says it.
    var commitCount: Int?
  }

  private func event(of request: Request, at minute: Double) -> Event {
    var event = Event(key: key("pull_request", "\(request.number)"), time: .vendor(Self.time(minute)), attempt: .counted)
    event.operation = .pullRequest
    event.name = "acme/\(repository)#\(request.number)"
    event.state = .running
    event.marks = [.begin(.vendor(Self.time(request.opened)))]
    event.publishes = [
      .change(Int64(request.number), of: "acme/\(repository)", host: "github.com"), Reference(.commit, Self.hash(request.head)),
    ]
    event.attributes.add("vcs.change.title", request.title)
    event.attributes.add("vcs.ref.head.name", request.branch)
    event.attributes.add("vcs.ref.head.revision", Self.hash(request.head))
    event.attributes.add("vcs.ref.base.name", request.base)
    event.attributes.add("valuestream.change.author", request.author)
    event.attributes.add("valuestream.change.labels", request.labels)
    event.attributes.add("valuestream.change.additions", Int64(request.number))
    event.attributes.add("valuestream.change.deletions", Int64(1))
    if let count = request.commitCount { event.attributes.add("valuestream.change.commits", Int64(count)) }
    if let issue = request.issue {
      event.follows = [FollowStatement(.closingWords, [.issue(issueNumber(issue), of: "acme/\(repository)", host: "github.com")])]
    }
    return event
  }

  private func issueNumber(_ text: String) -> Int64 { Int64(text) ?? 0 }

  mutating func open(_ request: Request) {
    var event = event(of: request, at: request.opened)
    event.phases = [
      PhaseStatement(track: "review", name: request.isDraft ? "draft" : "review", start: Self.time(request.opened))
    ]
    add(event)
  }

  mutating func setDraft(_ request: Request, _ isDraft: Bool, at minute: Double) {
    var event = event(of: request, at: minute)
    event.phases = [
      PhaseStatement(track: "review", name: isDraft ? "review" : "draft", end: Self.time(minute)),
      PhaseStatement(track: "review", name: isDraft ? "draft" : "review", start: Self.time(minute)),
    ]
    add(event)
  }

  mutating func synchronize(_ request: Request, at minute: Double) {
    var event = event(of: request, at: minute)
    event.spanEvents = [SpanEvent(name: "synchronize", time: Self.time(minute))]
    add(event)
  }

  mutating func review(_ request: Request, by reviewer: String, _ state: String, at minute: Double, isBot: Bool = false) {
    var event = event(of: request, at: minute)
    var attributes: [Attribute] = []
    attributes.add("valuestream.review.state", state)
    attributes.add("valuestream.review.author", reviewer)
    if isBot { attributes.add("valuestream.author.bot", true) }
    event.spanEvents = [SpanEvent(name: "review", time: Self.time(minute), attributes: attributes)]
    add(event)
  }

  mutating func comment(_ request: Request, by writer: String, at minute: Double) {
    var event = event(of: request, at: minute)
    var attributes: [Attribute] = []
    attributes.add("valuestream.comment.author", writer)
    event.spanEvents = [SpanEvent(name: "comment", time: Self.time(minute), attributes: attributes)]
    add(event)
  }

  /// - Parameter commit: the commit that the merge made; nil if it made none.
  mutating func merge(_ request: Request, as commit: String?, at minute: Double) {
    var event = event(of: request, at: minute)
    event.state = .ended
    event.outcome = .merged
    event.marks.append(.end(.vendor(Self.time(minute))))
    if let commit {
      event.publishes.append(Reference(.commit, Self.hash(commit)))
      event.attributes.add("valuestream.change.merge_revision", Self.hash(commit))
    }
    add(event)
  }

  mutating func close(_ request: Request, at minute: Double) {
    var event = event(of: request, at: minute)
    event.state = .ended
    event.outcome = .abandoned
    event.marks.append(.end(.vendor(Self.time(minute))))
    add(event)
  }

  mutating func reopen(_ request: Request, at minute: Double) {
    var event = event(of: request, at: minute)
    event.marks.append(.restart(.vendor(Self.time(minute))))
    event.phases = [PhaseStatement(track: "review", name: "review", start: Self.time(minute))]
    add(event)
  }

  // MARK: Deploys

  mutating func deploy(
    _ id: String, of commit: String, at minute: Double, to environment: String = "production", service: String? = nil,
    takes minutes: Double = 5, _ outcome: Outcome? = .success, production: Bool? = nil
  ) {
    func event(_ time: Double) -> Event {
      var event = Event(key: key("deployment", id), time: .vendor(Self.time(time)))
      event.operation = .deploy
      event.state = .pending
      event.marks = [.begin(.vendor(Self.time(minute)))]
      event.follows = [FollowStatement(.commit, [Reference(.commit, Self.hash(commit))])]
      event.attributes.add("deployment.environment.name", environment)
      event.attributes.add("valuestream.service", service)
      event.attributes.add("vcs.ref.head.revision", Self.hash(commit))
      event.attributes.add("valuestream.deployment.production", production)
      return event
    }
    var running = event(minute + 1)
    running.state = .running
    running.phases = [PhaseStatement(track: "run", name: "run", start: Self.time(minute + 1))]
    add(running)
    guard let outcome else { return }
    var ended = event(minute + minutes)
    ended.state = .ended
    ended.outcome = outcome
    ended.marks.append(.end(.vendor(Self.time(minute + minutes))))
    ended.phases = [PhaseStatement(track: "run", name: "run", end: Self.time(minute + minutes), outcome: outcome)]
    add(ended)
  }

  // MARK: Issues and incidents

  mutating func issue(
    _ number: String, at minute: Double, created: Double, type: String?, status: String? = nil, isIncident: Bool = false,
    closed: Outcome? = nil, isEndTold: Bool = true, assigned: Bool = false
  ) {
    var event = Event(key: key("issue", number), time: .vendor(Self.time(minute)), attempt: .counted)
    event.operation = isIncident ? .incident : .issue
    event.name = "acme/\(repository)#\(number)"
    event.state = closed == nil ? .running : .ended
    event.marks = [.begin(.vendor(Self.time(created)))]
    if let closed {
      event.outcome = closed
      event.marks.append(.end(isEndTold ? .vendor(Self.time(minute)) : .receipt(Self.time(minute))))
    }
    event.publishes = [.issue(issueNumber(number), of: "acme/\(repository)", host: "github.com")]
    event.attributes.add("valuestream.issue.type", type)
    if let status { event.phases = [PhaseStatement(track: "status", name: status, start: Self.time(minute))] }
    if assigned { event.spanEvents = [SpanEvent(name: "assigned", time: Self.time(minute))] }
    add(event)
  }

  // MARK: Runs

  mutating func run(_ id: String, of commit: String, at minute: Double, attempt: Int = 1, _ outcome: Outcome? = .success) {
    var event = Event(
      key: key("run", id), time: .vendor(Self.time(minute + (outcome == nil ? 0 : 10))), attempt: .numbered(attempt))
    event.operation = .build
    event.state = outcome == nil ? .running : .ended
    event.outcome = outcome
    event.marks = [.begin(.vendor(Self.time(minute)))]
    if outcome != nil { event.marks.append(.end(.vendor(Self.time(minute + 10)))) }
    event.follows = [FollowStatement(.commit, [Reference(.commit, Self.hash(commit))])]
    event.attributes.add("cicd.pipeline.name", "CI")
    event.attributes.add("vcs.ref.head.revision", Self.hash(commit))
    add(event)
  }

  mutating func job(
    _ id: String, in run: String, of commit: String, at minute: Double, _ outcome: Outcome? = .success, attempt: Int = 1
  ) {
    var event = Event(key: key("job", id), time: .vendor(Self.time(minute + (outcome == nil ? 0 : 5))))
    event.operation = .job
    event.state = outcome == nil ? .running : .ended
    event.outcome = outcome
    event.marks = [.begin(.vendor(Self.time(minute)))]
    if outcome != nil { event.marks.append(.end(.vendor(Self.time(minute + 5)))) }
    event.follows = [FollowStatement(.vendorLink, [.key(key("run", run))])]
    event.attributes.add("cicd.pipeline.task.name", "test")
    event.attributes.add("cicd.pipeline.name", "CI")
    event.attributes.add("vcs.ref.head.revision", Self.hash(commit))
    event.attributes.add("valuestream.build.attempt", Int64(attempt))
    add(event)
  }
}

extension FactStoreFake {
  /// Projects items as one batch.
  func project(_ items: some Sequence<FactWorld.Item>) throws {
    var correlation = Correlation(store: self)
    for item in items {
      switch item {
      case .event(let event): _ = try correlation.take(event)
      case .push(let update): correlation.take(update)
      }
    }
    write(correlation.finish())
  }
}

extension FactKeeper {
  /// Computes all facts, also those that exceed the allowance.
  ///
  /// - Returns: the number of computed subjects.
  @discardableResult
  mutating func computeAll() throws -> Int {
    var count = try computeAllowed()
    while isExhausted {
      grant()
      count += try computeAllowed()
    }
    return count
  }

  /// Computes what the allowance permits.
  ///
  /// - Returns: the number of computed subjects.
  @discardableResult
  mutating func computeAllowed() throws -> Int {
    var count = 0
    while try step(now: FactWorld.time(1_000_000)) { count += lastComputedCount }
    return count + lastComputedCount
  }
}
