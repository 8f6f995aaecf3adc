import PayloadReading
import ValueStreamCore

/// Maps the starts and ends of cards, and the lists that they pass through.
extension TrelloMapping {
  /// Returns an event for the changes that an action makes to the life of a card. Nil for most actions.
  func lifeEvent(of card: TrelloCard) -> Event? {
    let changes = TrelloChange.changes(in: payload, of: card, countingDue: isOverWhenComplete)
    guard let last = changes.last else { return nil }
    var event = event(of: card)
    event.attributes.add(AttributeName.valuestreamIssueStatus, last.list?.name)
    event.attributes.add(AttributeName.valuestreamIssueActor, payload.author)
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
      // Both boards report a move, milliseconds apart and in either order. A quarter of a second later, both have
      // done so.
      let soon = EventTime(event.time.timestamp.advanced(bySeconds: 0.25), isVendor: event.time.isVendor)
      begin(&event, in: list, at: soon, of: card, marks: [event.time, soon])
      event.classic?.endsOnce = true
    case .moved(let old, let new):
      let wasOver = rules.outcome(in: old) != nil
      if !wasOver { leave(old, &event) }
      if let outcome = rules.outcome(in: new) {
        end(&event, outcome, of: card, isRepetition: wasOver || isOverWhenComplete)
        // The time of the end stays, but the outcome changes.
        if wasOver { event.state = .ended }
      } else if wasOver {
        restart(&event, in: new)
      } else {
        stay(in: new, since: event.time, &event)
        // A card that is complete can still be moved, so its state is unknown.
        event.state = isOverWhenComplete ? nil : .running
      }
    case .completed(let list): close(&event, from: list, as: .completed, of: card)
    case .resumed(let list), .restored(let list):
      if rules.outcome(in: list) == nil { restart(&event, in: list) }
    case .archived(let list):
      close(&event, from: list, as: rules.outcomeOfArchived, of: card, isRepetition: isOverWhenComplete)
    // Trello deletes only archived cards, so the card was over before.
    case .deleted(let list): close(&event, from: list, as: rules.outcomeOfArchived, of: card, isRepetition: true)
    case .left(let list):
      close(&event, from: list, as: .abandoned, of: card, isRepetition: isOverWhenComplete)
      event.classic?.endsOnce = true
    }
  }

  // MARK: Starts

  /// Starts or continues the card, or ends it if its list is one for finished cards.
  ///
  /// - Parameter marks: the times at which the card started or continued.
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

  /// Ends a card that leaves its list for good. The list shows whether the card was over before.
  private func close(
    _ event: inout Event, from list: TrelloList?, as outcome: Outcome, of card: TrelloCard, isRepetition: Bool = false
  ) {
    let earlier = rules.outcome(in: list)
    let isRepetition = isRepetition || earlier != nil
    if !isRepetition { leave(list, &event) }
    end(&event, earlier ?? outcome, of: card, isRepetition: isRepetition)
  }

  /// Ends a card.
  ///
  /// - Parameter isRepetition: true if the card was usually over before. The end then ranks as a time of receipt: its
  ///   time and outcome count only if no other payload has an end.
  private func end(_ event: inout Event, _ outcome: Outcome, of card: TrelloCard, isRepetition: Bool = false) {
    // Another change of the same action has ended the card.
    if event.state == .ended { return }
    event.state = isRepetition ? nil : .ended
    // Without a date, the card ended at an unknown time after its creation.
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
