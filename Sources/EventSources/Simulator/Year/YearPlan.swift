import ValueStreamCore

/// The plan of one repository for a year: its changes, releases, issues and incidents, with all times.
///
/// Deliveries tell of the plan as vendors would, and ``YearAnswers`` counts it. Neither knows the other.
final class YearPlan {
  let repository: YearRepository
  /// The index of the repository, and of its copy in a larger history.
  let number: Int
  let configuration: HistoryConfiguration
  var random: SeededRandom
  var changes: [YearChange] = []
  /// The merged changes and direct pushes, in the order in which they reached main.
  var main: [YearChange] = []
  var releases: [YearRelease] = []
  var issues: [YearIssue] = []
  var incidents: [YearIncident] = []
  var firstHead: YearCommit
  private var numbers: Int
  var runNumbers = 0
  private var ids: Int64

  /// The names of repository and services, which differ from copy to copy.
  let fullName: String
  let serviceNames: [String]

  init(_ repository: YearRepository, number: Int, copy: Int, configuration: HistoryConfiguration) {
    self.repository = repository
    self.number = number
    self.configuration = configuration
    var random = SeededRandom(seed: configuration.seed &* 0x9e37_79b9_7f4a_7c15 &+ UInt64(number) &+ 7)
    let suffix = copy == 0 ? "" : "-\(copy + 1)"
    fullName = repository.name + suffix
    serviceNames = repository.services.map { $0.name + suffix }
    numbers = 200 + random.below(800)
    ids = 400_000_000 + Int64(random.below(60_000_000)) + Int64(number) * 40_000_000
    firstHead = YearCommit(sha: random.sha(), time: configuration.start.after(-7200), title: "What was before")
    self.random = random
    planOrdinaryWork()
    for service in repository.services.indices { planReleases(of: service) }
    planOutages()
    settleMain()
    planRuns()
    planWaitingWork()
  }

  func takeNumber() -> Int {
    numbers += 1
    return numbers
  }

  func takeID() -> Int64 {
    ids += 1 + Int64(random.below(4))
    return ids
  }

  // MARK: Time

  var start: Timestamp { configuration.start }
  var until: Timestamp { configuration.until }

  /// The share of the history that has passed.
  func share(at time: Timestamp) -> Double {
    time.seconds(since: start) / max(until.seconds(since: start), 1)
  }

  /// True in the third quarter of the history, in which everything takes longer and breaks more often.
  func isBadQuarter(_ time: Timestamp) -> Bool { (0.5..<0.75).contains(share(at: time)) }

  private static let dayStart = 8.0 * 3600
  private static let dayEnd = 17.0 * 3600

  /// Returns when somebody who works from 8 to 17 on weekdays, in UTC, has done an amount of work, in whole seconds.
  func worked(after time: Timestamp, seconds: Double) -> Timestamp {
    var (now, rest) = (time, max(seconds, 0))
    for _ in 0..<400 {
      let midnight = Timestamp.midnight(of: now.day)
      let second = now.seconds(since: midnight)
      let isWorkday = !Self.weekend.contains(Timestamp.weekday(of: now.day))
      if !isWorkday || second >= Self.dayEnd {
        now = Timestamp.midnight(of: now.day + 1).after(Self.dayStart)
        continue
      }
      if second < Self.dayStart { now = midnight.after(Self.dayStart) }
      let left = Self.dayEnd - now.seconds(since: midnight)
      if rest <= left { return Timestamp(seconds: now.after(rest).seconds) }
      rest -= left
      now = Timestamp.midnight(of: now.day + 1).after(Self.dayStart)
    }
    return Timestamp(seconds: now.seconds)
  }

  static let weekend: Set<Int> = [0, 6]

  /// Calls a closure for each day of the history.
  func forEachDay(_ body: (Int64) -> Void) {
    for day in start.day...max(start.day, until.day) { body(day) }
  }

  /// Returns how often something happens on a day on which it happens so many times on average.
  func draw(_ mean: Double) -> Int {
    var count = 0
    var time = random.exponential(mean: 1)
    while time < mean, count < 200 {
      count += 1
      time += random.exponential(mean: 1)
    }
    return count
  }
}
