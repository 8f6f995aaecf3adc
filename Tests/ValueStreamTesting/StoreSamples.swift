package import ValueStreamCore

/// Fixed sample deliveries and subjects for stores.
package enum StoreSamples {
  /// 2026-03-01T08:00:00Z.
  package static let morning = Timestamp(seconds: 1_772_352_000)

  package static func time(_ seconds: Int64) -> Timestamp {
    Timestamp(seconds: morning.seconds + seconds)
  }

  // MARK: Deliveries

  /// Returns a delivery like that of a forge.
  ///
  /// Deliveries with different numbers share most of their text.
  package static func delivery(_ number: Int, bodyBytes: Int = 2_000) -> LoggedDelivery {
    let head = "{\"action\":\"opened\",\"issue\":{\"number\":\(number),\"title\":\"Sample \(number)\"},\"text\":\""
    let filler = "the quick brown fox jumps over the lazy dog "
    var body = Array(head.utf8)
    while body.count < bodyBytes { body += Array(filler.utf8.prefix(bodyBytes - body.count)) }
    body += Array("\"}".utf8)
    return LoggedDelivery(
      Delivery(
        source: "github", id: "delivery-\(number)", received: time(Int64(number)),
        headers: ["X-GitHub-Event": "issues", "Content-Type": "application/json"], body: body))
  }

  package static func deliveries(_ numbers: Range<Int>, bodyBytes: Int = 2_000) -> [LoggedDelivery] {
    numbers.map { delivery($0, bodyBytes: bodyBytes) }
  }

  /// Returns bytes that do not compress.
  package static func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  // MARK: Subjects

  package static func issueKey(_ number: Int, repository: Int = 1) -> SubjectKey {
    SubjectKey(source: "github", host: "github.com", container: String(repository), kind: "issue", id: String(number))
  }

  /// Returns an opened issue, which is also closed 60 seconds later unless `isOpen` is true.
  package static func issue(_ number: Int, repository: Int = 1, isOpen: Bool = true) -> Subject {
    let key = issueKey(number, repository: repository)
    var subject = Subject(key: key)
    var opened = Event(key: key, time: .vendor(time(Int64(number))), attempt: .counted)
    opened.operation = .issue
    opened.name = "acme/site\(repository)#\(number)"
    opened.project = "acme/site\(repository)"
    opened.owner = "github.com/acme"
    opened.state = .running
    opened.marks = [.begin(.vendor(time(Int64(number))))]
    opened.publishes = aliases(number, repository: repository)
    opened.follows = [FollowStatement(.issueKey, [Reference(.issue, "TP-\(number)")])]
    _ = subject.add(opened)
    if !isOpen {
      var closed = opened
      closed.time = .vendor(time(Int64(number) + 60))
      closed.state = .ended
      closed.outcome = .completed
      closed.marks.append(.end(closed.time))
      _ = subject.add(closed)
    }
    return subject
  }

  package static func aliases(_ number: Int, repository: Int = 1) -> [Reference] {
    [
      Reference(.classicID, "vstrace-github-issue-acme/site\(repository)-\(number)"),
      Reference(.issue, "github.com/acme/site\(repository)#\(number)"),
    ]
  }

  /// Returns the change that a projection writes for a new subject.
  package static func change(_ subject: Subject) -> SubjectChange {
    SubjectChange(
      subject: subject, summary: SubjectSummary(subject), newAliases: subject.aliases,
      newFollows: subject.followedReferences)
  }

  package static func changes(_ subjects: [Subject]) -> ProjectionChanges {
    var changes = ProjectionChanges()
    changes.subjects = subjects.map(change)
    return changes
  }

  /// Returns a subject in which every kind of field is set, with text in various scripts.
  package static func richSubject() -> Subject {
    let key = SubjectKey(source: "customhttp", host: "", container: "größe", kind: "deploy", id: "=site/ü:1")
    var subject = Subject(key: key)
    var event = Event(key: key, time: .receipt(Timestamp(nanoseconds: 1_772_352_000_123_456_789)), attempt: .numbered(3))
    event.operation = "custom op"
    event.usualOperation = .build
    event.name = "name \u{0} with \"quotes\" \u{1F680}"
    event.owner = "owner"
    event.project = "project"
    event.state = .ended
    event.outcome = .actionRequired
    event.marks = [.begin(.vendor(time(-5))), .restart(.receipt(time(1))), .end(.vendor(time(9)))]
    event.attributes = [
      Attribute("text", ""), Attribute("number", .int(.min)), Attribute("ratio", .double(-0.25)), Attribute("flag", false),
      Attribute("list", .strings(["a", "", "ß"]), vocabulary: .classic), Attribute("nothing", .null, vocabulary: .classic),
    ]
    event.phases = [PhaseStatement(track: "status", name: "Review", start: time(0), end: time(5), outcome: .failure)]
    event.phases.append(.seen(track: "status", name: "Test", at: time(8), earliestStart: time(6)))
    event.spanEvents = [SpanEvent(name: "approved", time: time(3), attributes: [Attribute("by", "someone")])]
    event.publishes = [Reference("own kind", "free text"), Reference(.commit, "0123456789abcdef0123456789abcdef01234567")]
    event.follows = [
      FollowStatement(.explicitID, [Reference(.customID, "release/d1"), .key(issueKey(36))], reach: .sameOwner, attempt: 2),
      FollowStatement(.commit, []),
    ]
    event.links = [LinkStatement(Reference(.branch, "github.com/acme/site@main"), rule: "deploys")]
    _ = subject.add(event)
    subject.parent = ParentTie(parent: issueKey(36), rule: .explicitID, reference: .key(issueKey(36)), attempt: 2)
    subject.outboxAttempts = [1, 3]
    subject.classic.latestTraceID = .max
    subject.classic.latestSpanID = -1
    subject.classic.open = ClassicState.OpenSpan(
      traceID: 1, spanID: 2, parentID: 3, eventSource: "custom_http", type: "deploy", state: "start",
      start: .vendor(time(0)), received: time(1), tags: [Attribute("tag", "value", vocabulary: .classic)])
    return subject
  }
}
