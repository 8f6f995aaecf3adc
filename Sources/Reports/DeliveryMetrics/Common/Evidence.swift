package import ValueStreamCore

/// A row behind a number.
///
/// ``FactSource/factSubjects(_:)`` tells what the ids are about.
package struct EvidenceRow: Sendable, Hashable {
  package var kind: FactKind
  package var id: FactID
  /// The attempt of a deploy or run, else 0.
  package var attempt: UInt16
  /// The time that puts the row into the window.
  package var time: Timestamp
  /// What the row contributes, such as seconds of lead time. Nil if only its existence counts.
  package var value: Double?
  package var verdict: Verdict?
  /// Why the row counts as it does: rules, basis, traits.
  package var reasons: [String]
  /// Nil if the row counts.
  package var leftOut: LeftOutReason?
  /// The reason of a person who excluded the row.
  package var exclusion: String?
  /// Other subjects that the row rests on, such as the incident that made a release count as failed.
  package var related: [Related]

  package struct Related: Sendable, Hashable {
    package var role: Role
    package var id: FactID

    package init(_ role: Role, _ id: FactID) {
      self.role = role
      self.id = id
    }
  }

  package enum Role: String, Sendable, Hashable {
    /// Another deploy of the same release.
    case deploy
    /// The deploy that brought the change.
    case deployedBy = "deployed_by"
    /// The deploy that remedied the failure.
    case remediedBy = "remedied_by"
    case incident
    case change
  }

  package init(
    kind: FactKind, id: FactID, attempt: UInt16 = 0, time: Timestamp, value: Double? = nil, verdict: Verdict? = nil,
    reasons: [String] = [], leftOut: LeftOutReason? = nil, exclusion: String? = nil, related: [Related] = []
  ) {
    self.kind = kind
    self.id = id
    self.attempt = attempt
    self.time = time
    self.value = value
    self.verdict = verdict
    self.reasons = reasons
    self.leftOut = leftOut
    self.exclusion = exclusion
    self.related = related
  }
}

/// What became of a release.
package enum Verdict: String, Sendable, Hashable {
  case ok
  case failed
  /// A rollback took the release back because an earlier one failed.
  case takenBack = "taken_back"
  case pending
}

/// A part of the rows behind a number.
package struct EvidencePage: Sendable, Hashable {
  package var rows: [EvidenceRow]
  /// The number of rows on all pages.
  package var total: Int
  /// Where the next page begins. Nil after the last one.
  package var next: String?

  package init(rows: [EvidenceRow], total: Int, next: String? = nil) {
    self.rows = rows
    self.total = total
    self.next = next
  }
}

/// Which part of the rows to return.
package struct PageRequest: Sendable, Hashable {
  /// ``EvidencePage/next`` of the page before. Nil for the first page.
  package var cursor: String?
  package var limit: Int
  package var order: Order

  package enum Order: String, Sendable, Hashable, CaseIterable {
    case newestFirst = "newest"
    case largestFirst = "largest"
  }

  package init(cursor: String? = nil, limit: Int = 100, order: Order = .newestFirst) {
    self.cursor = cursor
    self.limit = limit
    self.order = order
  }
}

/// Which rows of a number.
package enum EvidencePart: Sendable, Hashable {
  /// The rows that count.
  case counted
  /// The rows that do not count, all of them or those with one reason.
  case leftOut(LeftOutReason?)
}
