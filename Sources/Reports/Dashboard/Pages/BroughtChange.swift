import ValueStreamCore

/// A change that a deploy brought, with its times from several milestones to the end of the deploy.
struct BroughtChange {
  let link: TracedLink
  let item: LinkedItem?
  /// The end of the deploy.
  let deployed: Timestamp?

  /// True if the deploy ended before the change was opened or merged, such as a deploy of its branch to staging.
  var isAhead: Bool {
    guard let deployed else { return false }
    return [item?.start, item?.end].contains { $0.map { $0 > deployed } ?? false }
  }

  init(_ link: TracedLink, of deploy: Span, _ items: [SubjectKey: LinkedItem]) {
    self.link = link
    item = items[link.key]
    deployed = deploy.end
  }

  /// The page of the change.
  var address: Address { Address("changes", link.spanID.description).adding("key", link.key.description) }

  /// The time since a milestone of the change: `commit`, `change` for its opening, or `merge`. Nil if it is unknown, or later than
  /// the deploy.
  func duration(since milestone: String) -> String? {
    let later = milestone == "merge" ? item?.end : milestone == "change" ? item?.start : nil
    if let later, let deployed, later > deployed { return nil }
    guard case .double(let seconds)? = link.attributes.value(of: "valuestream.lead_time.\(milestone)"), seconds.isFinite else {
      return nil
    }
    return Wording.duration(seconds: seconds)
  }

  /// The milestones of a change, and how pages name the time since each.
  static let milestones = [("commit", "since the first commit"), ("change", "since it was opened"), ("merge", "since its merge")]

  /// What the change still lacked when the deploy ended.
  var aheadWords: String? {
    guard let deployed, isAhead else { return nil }
    return item?.start.map { $0 > deployed } ?? false ? "deployed before it was opened" : "deployed before merge"
  }
}

extension TracedLink {
  /// True if the link leads from a deploy to a change that it brought.
  var isBrought: Bool { rule == "deploys" }
}
