/// The order that decides which facts a subject keeps: those with the greatest rank.
///
/// A rank depends on its fact alone, so the kept facts do not depend on the order of arrival.
struct FactRank: Sendable, Hashable, Comparable {
  var time: EventTime
  var contentHash: UInt64

  static func < (left: FactRank, right: FactRank) -> Bool {
    (left.time, left.contentHash) < (right.time, right.contentHash)
  }
}

extension Subject.Fact {
  var rank: FactRank { FactRank(time: event.time, contentHash: contentHash) }
}

/// A summary of the facts that exceed a subject's limits.
///
/// It keeps enough to compute starts and ends, attempt numbers, the name, the owner and the parent. Every part is the
/// maximum, minimum or union of values from single facts, so neither order nor repetition of facts matters.
struct DroppedFacts: Sendable, Hashable {
  /// The greatest of several statements about one value.
  struct Statement<Value: Sendable & Hashable>: Sendable, Hashable {
    var rank: FactRank
    var stateRank: UInt8
    var value: Value

    /// The order over the whole life of a subject, as in ``Subject/Fact/yields(to:)``.
    func yields(to other: Statement) -> Bool {
      (rank.time, stateRank, rank.contentHash) < (other.rank.time, other.stateRank, other.rank.contentHash)
    }

    /// The order within an attempt, as in ``Subject/Fact/yieldsWithinAttempt(to:)``.
    func yieldsWithinAttempt(to other: Statement) -> Bool {
      (stateRank, rank) < (other.stateRank, other.rank)
    }
  }

  /// The start and end of a run according to dropped facts.
  struct Bounds: Sendable, Hashable {
    var vendorBegin: Timestamp?
    var receiptBegin: Timestamp?
    var end: EventTime?
    var outcome: Statement<Outcome>?

    /// The bounds as marks.
    var marks: [LifeMark] {
      [vendorBegin.map { .begin(.vendor($0)) }, receiptBegin.map { .begin(.receipt($0)) }, end.map { .end($0) }].compactMap { $0 }
    }
  }

  /// The greatest rank of a dropped fact. Facts that arrive later with a lower rank are dropped as well.
  var last: FactRank
  /// The smallest content hashes, sorted. ``count`` estimates the number of dropped facts from them.
  var hashes: [UInt64] = []
  /// Starts and ends from facts without an attempt number, each end with the outcome of its fact.
  var marks: [LifeMark: Statement<Outcome>?] = [:]
  /// The latest times at which dropped facts saw the subject running.
  var seen: Set<Timestamp> = []
  /// The first start and last end over all ``marks``, including marks that were cut.
  var whole = Bounds()
  /// The bounds of attempts from facts with an attempt number.
  var numbered: [Int: Bounds] = [:]
  /// The time before which marks were cut. Attempts before it are only counted. Nil if none were cut.
  var horizon: Timestamp?
  var hasVendorBegin = false
  var isCounted = false
  var operation: Statement<Operation>?
  var usualOperation: Statement<Operation>?
  var name: Statement<String>?
  /// The greatest name that differs from ``SubjectKey/plainName``.
  var properName: Statement<String>?
  var owner: Statement<String>?
  var project: Statement<String>?
  var follows: [CorrelationRule: Statement<FollowStatement>] = [:]
  /// The latest aliases, each with the rank of its fact.
  var aliases: [Reference: FactRank] = [:]

  /// Up to this number, dropped facts are counted exactly. Larger numbers are estimates within about 6 %.
  static let hashLimit = 256
  /// The maximum number of starts and ends. Beyond it, the earliest attempts are only counted.
  static let markLimit = 16_384
  static let seenLimit = 8192
  static let numberLimit = 4096
  static let aliasLimit = 1000

  init(last: FactRank) {
    self.last = last
  }

  /// The number of dropped facts, exact or estimated.
  var count: Int {
    guard hashes.count == Self.hashLimit, let greatest = hashes.last else { return hashes.count }
    return max(Self.hashLimit, Int((Double(Self.hashLimit - 1) * 0x1p64 / (Double(greatest) + 1)).rounded()))
  }

  /// Adds a fact to the summary.
  ///
  /// - Returns: false if the fact changes nothing.
  mutating func take(_ fact: Subject.Fact, key: SubjectKey) -> Bool {
    let event = fact.event
    var isNews = take(hash: fact.contentHash)
    if last < fact.rank { (last, isNews) = (fact.rank, true) }
    func statement<Value>(_ value: Value) -> Statement<Value> {
      Statement(rank: fact.rank, stateRank: event.state?.rawValue ?? 0, value: value)
    }
    if event.attempt == .counted, !isCounted { (isCounted, isNews) = (true, true) }
    let outcome = event.outcome.map(statement)
    if let number = event.attempt.number {
      if takeBounds(event.marks, outcome, of: number) { isNews = true }
    } else {
      for mark in event.marks where take(mark, mark.kind == .end ? outcome : nil) { isNews = true }
      if event.time.isVendor, let state = event.state, state != .ended, take(seen: event.time.timestamp) { isNews = true }
      if whole.take(event.marks, outcome) { isNews = true }
    }
    if Self.take(event.operation.map(statement), &operation) { isNews = true }
    if Self.take(event.usualOperation.map(statement), &usualOperation) { isNews = true }
    if let name = event.name {
      if Self.take(statement(name), &self.name) { isNews = true }
      if name != key.plainName, Self.take(statement(name), &properName) { isNews = true }
    }
    if Self.take(event.owner.map(statement), &owner) { isNews = true }
    if Self.take(event.project.map(statement), &project) { isNews = true }
    for follow in event.follows where Self.take(statement(follow), &follows[follow.rule]) { isNews = true }
    for alias in event.publishes where take(alias, by: fact.rank) { isNews = true }
    return isNews
  }

  /// Adds the summary of other dropped facts of the same subject.
  mutating func merge(_ other: DroppedFacts) {
    last = max(last, other.last)
    for hash in other.hashes { _ = take(hash: hash) }
    for (mark, outcome) in other.marks { _ = take(mark, outcome) }
    for time in other.seen { _ = take(seen: time) }
    _ = whole.merge(other.whole)
    for (number, bounds) in other.numbered { _ = takeBounds(bounds, of: number) }
    horizon = [horizon, other.horizon].compactMap { $0 }.max()
    hasVendorBegin = hasVendorBegin || other.hasVendorBegin
    isCounted = isCounted || other.isCounted
    _ = Self.take(other.operation, &operation)
    _ = Self.take(other.usualOperation, &usualOperation)
    _ = Self.take(other.name, &name)
    _ = Self.take(other.properName, &properName)
    _ = Self.take(other.owner, &owner)
    _ = Self.take(other.project, &project)
    for (rule, follow) in other.follows { _ = Self.take(follow, &follows[rule]) }
    for (alias, rank) in other.aliases { _ = take(alias, by: rank) }
  }

  /// Removes starts and ends before a time.
  mutating func forget(before instant: Timestamp) {
    horizon = max(horizon ?? instant, instant)
    marks = marks.filter { $0.key.time.timestamp >= instant }
  }

  // MARK: Taking single values

  private static func take<Value>(_ statement: Statement<Value>?, _ register: inout Statement<Value>?) -> Bool {
    guard let statement, register.map({ $0.yields(to: statement) }) ?? true else { return false }
    register = statement
    return true
  }

  private mutating func take(hash: UInt64) -> Bool {
    var (low, high) = (0, hashes.count)
    while low < high {
      let middle = (low + high) / 2
      if hashes[middle] < hash { low = middle + 1 } else { high = middle }
    }
    if low < hashes.count, hashes[low] == hash { return false }
    guard low < Self.hashLimit else { return false }
    hashes.insert(hash, at: low)
    if hashes.count > Self.hashLimit { hashes.removeLast() }
    return true
  }

  private mutating func take(_ mark: LifeMark, _ outcome: Statement<Outcome>?) -> Bool {
    if mark.kind == .begin, mark.time.isVendor { hasVendorBegin = true }
    if let horizon, mark.time.timestamp < horizon { return false }
    guard let known = marks[mark] else {
      marks[mark] = .some(outcome)
      return true
    }
    guard let outcome, known.map({ $0.yieldsWithinAttempt(to: outcome) }) ?? true else { return false }
    marks[mark] = .some(outcome)
    return true
  }

  private mutating func take(seen time: Timestamp) -> Bool {
    guard seen.insert(time).inserted else { return false }
    if seen.count > Self.seenLimit, let first = seen.min() {
      seen.remove(first)
      return first != time
    }
    return true
  }

  private mutating func takeBounds(_ marks: [LifeMark], _ outcome: Statement<Outcome>?, of number: Int) -> Bool {
    var bounds = Bounds()
    _ = bounds.take(marks, outcome)
    return takeBounds(bounds, of: number)
  }

  private mutating func takeBounds(_ bounds: Bounds, of number: Int) -> Bool {
    let isNews = numbered[number, default: Bounds()].merge(bounds)
    if numbered.count > Self.numberLimit, let first = numbered.keys.min() {
      numbered[first] = nil
      return first != number
    }
    return isNews
  }

  private mutating func take(_ alias: Reference, by rank: FactRank) -> Bool {
    if let known = aliases[alias], known >= rank { return false }
    aliases[alias] = rank
    guard aliases.count > Self.aliasLimit, let first = aliases.min(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key else {
      return true
    }
    aliases[first] = nil
    return first != alias
  }
}

extension DroppedFacts.Bounds {
  mutating func take(_ marks: [LifeMark], _ outcome: DroppedFacts.Statement<Outcome>?) -> Bool {
    var other = DroppedFacts.Bounds()
    for mark in marks {
      switch (mark.kind, mark.time.isVendor) {
      case (.end, _): other.end = max(other.end ?? mark.time, mark.time)
      case (_, true): other.vendorBegin = min(other.vendorBegin ?? mark.time.timestamp, mark.time.timestamp)
      case (_, false): other.receiptBegin = min(other.receiptBegin ?? mark.time.timestamp, mark.time.timestamp)
      }
    }
    other.outcome = outcome
    return merge(other)
  }

  mutating func merge(_ other: DroppedFacts.Bounds) -> Bool {
    let before = self
    vendorBegin = [vendorBegin, other.vendorBegin].compactMap { $0 }.min()
    receiptBegin = [receiptBegin, other.receiptBegin].compactMap { $0 }.min()
    end = [end, other.end].compactMap { $0 }.max()
    if let told = other.outcome, outcome.map({ $0.yieldsWithinAttempt(to: told) }) ?? true { outcome = told }
    return self != before
  }
}
