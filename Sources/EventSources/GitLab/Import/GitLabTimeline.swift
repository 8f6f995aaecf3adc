import APIClient
import PayloadReading
import ValueStreamCore

/// A change in the life of an issue or merge request.
struct GitLabTurn: Sendable, Hashable {
  enum Kind: Sendable, Hashable {
    case closed, reopened, merged
    case draft(Bool)
    case approved(Bool)
    case label(String, isAdded: Bool)
    /// A push: the head before and after it.
    case pushed(from: String, to: String)
    /// A comment of a person.
    case note(id: Int64)
  }

  var kind: Kind
  var time: Timestamp
  var user: String?

  /// Reads a row of `resource_state_events`; nil for the opening, which the record has.
  init?(state row: PayloadObject) {
    guard let time = row.time("created_at") else { return nil }
    switch row.text("state") {
    case "closed": kind = .closed
    case "reopened": kind = .reopened
    case "merged": kind = .merged
    default: return nil
    }
    (self.time, user) = (time, row.object("user")?.text("username"))
  }

  /// Reads a row of `resource_label_events`.
  init?(label row: PayloadObject) {
    guard let time = row.time("created_at"), let name = row.object("label")?.text("name") else { return nil }
    (kind, self.time, user) = (.label(name, isAdded: row.text("action") == "add"), time, row.object("user")?.text("username"))
  }

  /// Reads a note. GitLab writes approvals and the end of a draft only as notes of its own, in English.
  init?(note: PayloadObject) {
    guard let time = note.time("created_at"), let id = note.int("id") else { return nil }
    (self.time, user) = (time, note.object("author")?.text("username"))
    guard note.bool("system") == true else {
      kind = .note(id: id)
      return
    }
    let text = note.string("body") ?? ""
    if text.hasPrefix("approved this merge request") {
      kind = .approved(true)
    } else if text.hasPrefix("unapproved this merge request") {
      kind = .approved(false)
    } else if text.hasPrefix("marked this merge request as **ready**") || text.hasPrefix("unmarked as a **Work In Progress**") {
      kind = .draft(false)
    } else if text.hasPrefix("marked this merge request as **draft**") || text.hasPrefix("marked as a **Work In Progress**") {
      kind = .draft(true)
    } else {
      return nil
    }
  }

  private init(pushed before: String, to after: String, at time: Timestamp) {
    (kind, self.time) = (.pushed(from: before, to: after), time)
  }

  init(_ kind: Kind, at time: Timestamp) {
    (self.kind, self.time) = (kind, time)
  }

  /// Reads the versions of a merge request: each push makes one. The first one is the opening.
  static func pushes(_ versions: [PayloadObject]) -> [GitLabTurn] {
    let heads = versions.compactMap { version in
      version.time("created_at").flatMap { time in version.text("head_commit_sha").map { (time: time, sha: $0) } }
    }.sorted { $0.time < $1.time }
    return zip(heads, heads.dropFirst()).filter { $0.sha != $1.sha }.map { before, after in
      GitLabTurn(pushed: before.sha, to: after.sha, at: after.time)
    }
  }
}

/// The state of an issue or merge request at each time.
struct GitLabLife: Sendable {
  let turns: [GitLabTurn]
  private let draftAtFirst: Bool
  private let head: String?

  /// - Parameters:
  ///   - end: when the record was merged or closed last, and which of both; nil while it is open.
  ///   - isDraft: whether it is a draft now.
  ///   - head: its last commit.
  init(_ turns: [GitLabTurn], end: GitLabTurn?, isDraft: Bool, head: String?) {
    var turns = turns
    // Servers of before 13.2 have no rows for the end.
    if let end, !turns.contains(where: { $0.kind == end.kind && abs($0.time.seconds(since: end.time)) < 60 }) {
      turns.append(end)
    }
    self.turns = turns.sorted { $0.time < $1.time }
    let first = self.turns.lazy.compactMap { turn -> Bool? in if case .draft(let isDraft) = turn.kind { isDraft } else { nil } }
      .first
    draftAtFirst = first.map { !$0 } ?? isDraft
    self.head = head
  }

  func state(at time: Timestamp) -> String {
    let last = turns.last { $0.time <= time && [.closed, .reopened, .merged].contains($0.kind) }?.kind
    return last == .merged ? "merged" : last == .closed ? "closed" : "opened"
  }

  /// Returns when the subject was closed that is closed at a time; nil if it is open.
  func closing(at time: Timestamp) -> Timestamp? {
    let last = turns.last { $0.time <= time && [.closed, .reopened, .merged].contains($0.kind) }
    return last?.kind == .closed ? last?.time : nil
  }

  func isDraft(at time: Timestamp) -> Bool {
    var isDraft = draftAtFirst
    for turn in turns where turn.time <= time { if case .draft(let new) = turn.kind { isDraft = new } }
    return isDraft
  }

  func head(at time: Timestamp) -> String? {
    for turn in turns {
      if case .pushed(let before, _) = turn.kind, turn.time > time { return before }
    }
    return head
  }
}
