import PayloadReading
import ValueStreamCore

/// What a custom event says about the start and end of its subject.
struct CustomHTTPLife {
  enum Action: String, CaseIterable {
    case start, end
    /// Adds facts to a subject without starting or ending it.
    case annotate
  }

  let action: Action
  /// When the subject started.
  let begin: Timestamp?
  /// When the subject ended.
  let end: Timestamp?
  /// The time at which the event was true: its end, else its start, else `time`.
  let time: Timestamp?
  /// How the subject ended. Nil if it did not end.
  let outcome: Outcome?
  /// The member `error`, with which senders for the Go ValueStream report a failure.
  let isError: Bool

  init(_ members: CustomHTTPMembers) throws(PayloadError) {
    let startedAt = try members.time("startedAt")
    let endedAt = try members.time("endedAt")
    let time = try members.time("time")
    let action = try Self.action(members, startedAt: startedAt, endedAt: endedAt)
    if action != .end, endedAt != nil {
      throw members.error("endedAt", "expected none with the action \(action.rawValue): it says that the thing is over")
    }
    if action == .annotate, startedAt != nil {
      throw members.error("startedAt", "expected none with the action annotate, which starts nothing")
    }
    self.action = action
    begin = startedAt ?? (action == .start ? time : nil)
    end = try members.end(endedAt ?? (action == .end ? time : nil), in: endedAt == nil ? "time" : "endedAt", of: begin)
    self.time = end ?? begin ?? time
    isError = members["error"]?.bool ?? false
    outcome = try Self.outcome(members, action: action, isError: isError)
  }

  private static func action(
    _ members: CustomHTTPMembers, startedAt: Timestamp?, endedAt: Timestamp?
  ) throws(PayloadError) -> Action {
    if let action = try members.word("action", of: Action.self) { return action }
    if endedAt != nil { return .end }
    if startedAt != nil { return .start }
    let words = Action.allCases.map(\.rawValue).joined(separator: ", ")
    throw members.error("action", "expected one of \(words), or a time in startedAt or endedAt")
  }

  private static func outcome(
    _ members: CustomHTTPMembers, action: Action, isError: Bool
  ) throws(PayloadError) -> Outcome? {
    guard let outcome = try members.word("outcome", of: Outcome.self) else {
      return action == .end ? isError ? .failure : .success : nil
    }
    guard action == .end else {
      throw members.error("outcome", "expected none with the action \(action.rawValue): only what is over has one")
    }
    if isError, !outcome.isError {
      throw members.error("outcome", "expected failure, error or timeout, because error is true")
    }
    return outcome
  }
}
