package import ValueStreamCore

/// Generated histories of events that cover everything that correlation must handle.
///
/// They contain reopened subjects, numbered runs, scripts without times, references before and after the names that they
/// refer to, fallback keys, names shared by several owners, cycles, retracted statements, runs with parts, and subjects
/// without spans among others.
package struct EventHistory: Sendable {
  package var events: [Event]

  package init(seed: UInt64, subjects: Int = 12, events count: Int = 60) {
    var random = SeededRandom(seed: seed)
    var subjects: [Item] = (0..<subjects).map { Item(number: $0, &random) }
    events = []
    for step in 0..<count {
      let index = Int.random(in: subjects.indices, using: &random)
      let names = subjects.map(\.classicID)
      events.append(subjects[index].event(step: step, names: names, &random))
    }
  }

  private struct Item {
    let key: SubjectKey
    let fallbackKey: SubjectKey?
    let classicID: String
    let owner: String?
    let attempt: AttemptRule
    /// Nil for a subject without spans, unless an event gives it an operation.
    let operation: Operation?
    let created: Int

    init(number: Int, _ random: inout SeededRandom) {
      // Two owners have repositories of the same name, and scripts know only the name.
      let owner = ["acme", "zenith"][Int.random(in: 0...1, using: &random)]
      let isShared = random.oneIn(4)
      let name = isShared ? "site" : "site\(number)"
      classicID = ClassicID.make(source: "github", type: "issue", namespace: name, id: "\(isShared ? number / 2 : number)")
      self.owner = "github.com/\(owner)"
      switch Int.random(in: 0...3, using: &random) {
      case 0:
        key = SubjectKey(source: "github", host: "github.com", container: "\(owner.count * 100)", kind: "run", id: "\(number)")
        fallbackKey = nil
        attempt = .numbered(1)
        operation = random.oneIn(2) ? .build : .job
      case 1:
        key = SubjectKey(source: "customhttp", host: "", container: name, kind: "deploy", id: "\(number)")
        fallbackKey = nil
        attempt = .counted
        operation = random.oneIn(4) ? nil : random.oneIn(2) ? .deploy : "step"
      default:
        key = SubjectKey(source: "github", host: "github.com", container: "\(owner.count * 100)", kind: "issue", id: "\(number)")
        fallbackKey = SubjectKey(
          source: "github", host: "github.com", container: "=\(name)", kind: "issue", id: "\(isShared ? number / 2 : number)")
        attempt = .counted
        operation = random.oneIn(4) ? .job : .issue
      }
      created = Int.random(in: 0...20, using: &random)
    }

    mutating func event(step: Int, names: [String], _ random: inout SeededRandom) -> Event {
      let isReceipt = key.source == "customhttp" || random.oneIn(8)
      let now = EventTime(time(created + Int.random(in: 0...40, using: &random)), isVendor: !isReceipt)
      let isFallback = fallbackKey != nil && random.oneIn(5)
      var event = Event(key: isFallback ? fallbackKey ?? key : key, time: now, attempt: attempt)
      if case .numbered = attempt { event.attempt = .numbered(Int.random(in: 1...3, using: &random)) }
      event.operation = operation != nil && random.oneIn(6) ? .deploy : operation
      event.name = "name \(Int.random(in: 0...2, using: &random))"
      event.owner = isFallback && !random.oneIn(3) ? nil : owner
      event.state = LifecycleState.allCases.randomElement(using: &random)
      if !isReceipt { event.marks.append(.begin(.vendor(time(created)))) }
      switch Int.random(in: 0...4, using: &random) {
      case 0: event.marks.append(.begin(now))
      case 1: event.marks.append(.restart(now))
      case 2, 3:
        event.marks.append(.end(now))
        event.state = .ended
        event.outcome = Outcome.allCases.randomElement(using: &random)
      default: break
      }
      event.attributes = [Attribute("a\(Int.random(in: 0...3, using: &random))", .int(Int64(step)))]
      event.phases = [
        PhaseStatement(
          track: "status", name: "p\(Int.random(in: 0...2, using: &random))",
          start: random.oneIn(2) ? now.timestamp : nil, end: random.oneIn(2) ? now.timestamp : nil)
      ]
      event.publishes = [Reference(.classicID, classicID)]
      if random.oneIn(3) { event.publishes.append(Reference(.commit, "c\(Int.random(in: 0...5, using: &random))")) }
      if random.oneIn(2) {
        let target = names.randomElement(using: &random) ?? classicID
        let text = random.oneIn(2) ? target + "-fix" : target
        event.follows.append(
          FollowStatement(
            .explicitID, random.oneIn(5) ? [] : [Reference(.classicID, text)],
            reach: random.oneIn(2) ? .sameOwner : .anywhere))
      }
      if random.oneIn(2) {
        event.follows.append(
          FollowStatement(.commit, [Reference(.commit, "c\(Int.random(in: 0...5, using: &random))")], reach: .anywhere))
      }
      return event
    }

    private func time(_ minute: Int) -> Timestamp { Timestamp(seconds: Int64(1_700_000_000 + minute * 60)) }
  }
}
