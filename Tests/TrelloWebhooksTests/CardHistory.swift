import ValueStreamCore

/// The generated life of one card: the actions on it, in order, and the payloads that Trello sends.
struct CardHistory {
  enum Action: Hashable {
    case created
    case moved(from: String, to: String)
    case archived
    case restored
    case commented
  }

  struct Step {
    var time: Timestamp
    var action: Action
    /// The list that holds the card after the action.
    var list: String
  }

  private(set) var steps: [Step] = []

  static let id = "65e58d90a1b2c3d4e5f60c24"
  static let created = Timestamp(seconds: 0x65e5_8d90)

  init(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var time = Self.created
    var list = "To Do"
    var isArchived = false
    func step(_ action: Action) -> Step { Step(time: time, action: action, list: list) }
    steps = [step(.created)]
    for _ in 0..<Int.random(in: 1...24, using: &random) {
      time = time.advanced(bySeconds: Double(Int.random(in: 60...90_000, using: &random)))
      switch Int.random(in: 0..<6, using: &random) {
      case 0: steps.append(step(.commented))
      case 1 where !isArchived:
        isArchived = true
        steps.append(step(.archived))
      case _ where isArchived:
        isArchived = false
        steps.append(step(.restored))
      default:
        let old = list
        list = ["To Do", "Doing", "Review", "Done"].filter { $0 != old }.randomElement(using: &random) ?? old
        steps.append(step(.moved(from: old, to: list)))
      }
    }
  }

  private init(steps: [Step]) {
    self.steps = steps
  }

  /// Returns the history with about half of its actions missing.
  func halved(seed: UInt64) -> CardHistory {
    var random = SeededRandom(seed: seed)
    return CardHistory(steps: steps.filter { _ in Bool.random(using: &random) })
  }

  var deliveries: [Delivery] {
    steps.map { step in
      let (type, data): (String, String) =
        switch step.action {
        case .created: ("createCard", Self.list(step.list, as: "list"))
        case .moved(let old, let new):
          (
            "updateCard",
            "\(Self.list(old, as: "listBefore")), \(Self.list(new, as: "listAfter")), \"old\": {\"idList\": \"\(old)\"}"
          )
        case .archived: ("updateCard", "\(Self.list(step.list, as: "list")), \"old\": {\"closed\": false}")
        case .restored: ("updateCard", "\(Self.list(step.list, as: "list")), \"old\": {\"closed\": true}")
        case .commented: ("commentCard", Self.list(step.list, as: "list"))
        }
      let closed =
        switch step.action {
        case .archived: ", \"closed\": true"
        case .restored: ", \"closed\": false"
        default: ""
        }
      let body = """
        {"action": {"type": "\(type)", "date": "\(step.time.rfc3339)", "data": {"card": {"id": "\(Self.id)"\(closed)}, \(data)}}}
        """
      return Delivery(source: "trello", received: Timestamp(seconds: 1_750_000_000), headers: [:], body: Array(body.utf8))
    }
  }

  private static func list(_ name: String, as member: String) -> String { "\"\(member)\": {\"name\": \"\(name)\"}" }
}

// MARK: Expected result

extension CardHistory {
  struct Attempt: Equatable {
    var start: Timestamp
    var isStartUnknown = false
    var end: Timestamp?
    var outcome: Outcome?
  }

  struct Stay: Hashable {
    var list: String
    var start: Timestamp
    var end: Timestamp
  }

  /// The expected attempts.
  ///
  /// A card ends when it moves to Done or is archived in another list. It is reopened when it leaves Done or the archive.
  var attempts: [Attempt] {
    var attempts = [Attempt(start: Self.created)]
    var isOpen = true
    /// True if only the archiving of the card shows the end, and no move to Done.
    var isGuess = false
    func end(at time: Timestamp, _ outcome: Outcome) {
      attempts[attempts.count - 1].end = time
      attempts[attempts.count - 1].outcome = outcome
      isOpen = false
    }
    func begin(at time: Timestamp, isUnknown: Bool = false) {
      if isOpen { attempts[attempts.count - 1].end = time }
      attempts.append(Attempt(start: time, isStartUnknown: isUnknown))
      isOpen = true
      isGuess = false
    }
    for step in steps {
      switch step.action {
      case .created, .commented: break
      case .moved("Done", _): begin(at: step.time)
      case .moved(_, "Done"):
        end(at: step.time, .completed)
        isGuess = false
      case .moved: if !isOpen { begin(at: step.time, isUnknown: true) }
      case .archived where step.list == "Done":
        // The card was done earlier, but only a move to Done tells when.
        if isOpen || isGuess {
          end(at: step.time, .completed)
          isGuess = true
        }
      case .archived:
        end(at: step.time, .abandoned)
        isGuess = false
      case .restored: if step.list != "Done" { begin(at: step.time) }
      }
    }
    return attempts
  }

  /// The stays in a list with known start and end.
  var stays: [Stay] {
    var stays: [Stay] = []
    var entered: (list: String, time: Timestamp)?
    for step in steps where step.action != .commented {
      switch step.action {
      case .moved(let old, _):
        if let entered, entered.list == old { stays.append(Stay(list: old, start: entered.time, end: step.time)) }
      case .archived:
        if let entered, entered.list == step.list {
          stays.append(Stay(list: step.list, start: entered.time, end: step.time))
        }
      case .created, .restored, .commented: break
      }
      entered = step.action == .archived || step.list == "Done" ? nil : (step.list, step.time)
    }
    return stays
  }
}
