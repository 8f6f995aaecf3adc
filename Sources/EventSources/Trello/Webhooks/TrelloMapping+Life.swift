import PayloadReading
import ValueStreamCore

/// Beginnings, ends, and the lists between them.
extension TrelloMapping {
  /// What an action changes in the life of a card; nil for most.
  func lifeEvent(of card: TrelloCard) -> Event? {
    let changes = TrelloChange.changes(in: payload, of: card, countingDue: isOverWhenComplete)
    guard let last = changes.last else { return nil }
    var event = event(of: card)
    event.attributes.add("valuestream.issue.status", last.list?.name)
    event.attributes.add("valuestream.issue.actor", payload.author)
    event.attributes += TrelloClassicTags.card(card, in: last.list, payload)
    for change in changes { apply(change, of: card, to: &event) }
    return event
  }

  private var isOverWhenComplete: Bool { rules.dueComplete == .done }

  private func apply(_ change: TrelloChange, of card: TrelloCard, to event: inout Event) {
    switch change {
    case .created(let list):
      let created = card.created.map(EventTime.vendor) ?? event.time
      begin(&event, in: list, at: created, of: card, marks: [created])
    case .arrived(let list):
      // Both boards of a move tell it, milliseconds apart, and either may be first: soon after both have.
      let soon = EventTime(event.time.timestamp.advanced(bySeconds: 0.25), isVendor: event.time.isVendor)
      begin(&event, in: list, at: soon, of: card, marks: [event.time, soon])
      event.classic?.endsOnce = true
    case .moved(let old, let new):
      let wasOver = rules.outcome(in: old) != nil
      if !wasOver { leave(old, &event) }
      if let outcome = rules.outcome(in: new) {
        end(&event, outcome, of: card, isRepetition: wasOver || isOverWhenComplete)
        // When it was over stays, how is another word now.
        if wasOver { event.state = .ended }
      } else if wasOver {
        restart(&event, in: new)
      } else {
        stay(in: new, since: event.time, &event)
        // What is complete may still be moved on.
        event.state = isOverWhenComplete ? nil : .running
      }
    case .completed(let list): close(&event, from: list, as: .completed, of: card)
    case .resumed(let list), .restored(let list):
      if rules.outcome(in: list) == nil { restart(&event, in: list) }
    case .archived(let list):
      close(&event, from: list, as: rules.outcomeOfArchived, of: card, isRepetition: isOverWhenComplete)
    // Trello deletes what was archived before.
    case .deleted(let list): close(&event, from: list, as: rules.outcomeOfArchived, of: card, isRepetition: true)
    case .left(let list):
      close(&event, from: list, as: .abandoned, of: card, isRepetition: isOverWhenComplete)
      event.classic?.endsOnce = true
    }
  }

  // MARK: Beginnings

  /// - Parameter marks: when it began, or went on.
  private func begin(_ event: inout Event, in list: TrelloList?, at time: EventTime, of card: TrelloCard, marks: [EventTime]) {
    if let outcome = rules.outcome(in: list) {
      if card.created == nil { event.marks.append(.begin(time)) }
      end(&event, outcome, of: card)
    } else {
      event.marks += marks.map(LifeMark.begin).filter { !event.marks.contains($0) }
      event.state = .running
      goOn(&event, in: list, at: time)
    }
  }

  private func restart(_ event: inout Event, in list: TrelloList?) {
    event.marks.append(.restart(event.time))
    goOn(&event, in: list, at: event.time)
  }

  private func goOn(_ event: inout Event, in list: TrelloList?, at time: EventTime) {
    stay(in: list, since: time, &event)
    event.classic = ClassicMark(eventSource: "trello", type: "issue", .start, state: payload.type, time: time)
  }

  // MARK: Ends

  /// The card goes from a list, which tells whether it was over already.
  private func close(
    _ event: inout Event, from list: TrelloList?, as outcome: Outcome, of card: TrelloCard, isRepetition: Bool = false
  ) {
    let earlier = rules.outcome(in: list)
    let isRepetition = isRepetition || earlier != nil
    if !isRepetition { leave(list, &event) }
    end(&event, earlier ?? outcome, of: card, isRepetition: isRepetition)
  }

  /// - Parameter isRepetition: true where the card was over before, as a rule. When and how is then worth no more than a time of
  ///   receipt: it counts only where nothing else tells an end.
  private func end(_ event: inout Event, _ outcome: Outcome, of card: TrelloCard, isRepetition: Bool = false) {
    // By another change of the same action.
    if event.state == .ended { return }
    event.state = isRepetition ? nil : .ended
    // Without a date it was over after it was made, nobody knows when.
    let isUndated = !event.time.isVendor && card.created != nil
    let last = isUndated ? card.created ?? event.time.timestamp : event.time.timestamp
    event.marks.append(.end(isRepetition || isUndated ? .receipt(last) : event.time))
    event.outcome = outcome
    event.classic = ClassicMark(
      eventSource: "trello", type: "issue", .end, state: payload.type, time: event.time,
      begin: card.created.map(EventTime.vendor))
    event.classic?.isRepeatedEnd = isRepetition
  }

  // MARK: Lists

  private func stay(in list: TrelloList?, since time: EventTime, _ event: inout Event) {
    if let list { event.phases.append(PhaseStatement(track: "status", name: list.name, start: time.timestamp)) }
  }

  private func leave(_ list: TrelloList?, _ event: inout Event) {
    if let list { event.phases.append(PhaseStatement(track: "status", name: list.name, end: event.time.timestamp)) }
  }
}
