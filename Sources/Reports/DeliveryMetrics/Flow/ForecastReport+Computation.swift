package import ValueStreamCore

extension ForecastReport {
  /// Simulates the future from the throughput of the past. The same question and facts give the same answer.
  package init(_ query: ForecastQuery, from source: any FactSource) throws {
    let query = try query.excluding(source)
    let (zone, now) = (query.frame.zone, query.frame.now)
    guard (1...3660).contains(query.historyDays), (1...1_000_000).contains(query.trials) else {
      throw ReportError(.badQuestion, "a forecast needs 1 to 3660 days of history and 1 to 1,000,000 trials")
    }
    let today = zone.localDay(of: now)
    let asked = TimeWindow(
      start: zone.start(ofLocalDay: today - Int64(query.historyDays)), end: zone.start(ofLocalDay: today))
    let population = try IssuePopulation(
      source, windows: [asked], now: now, scope: query.scope, grouping: nil, settings: query.settings)
    let first = max(zone.localDay(of: asked.start), population.historyBegan.map { zone.localDay(of: $0) } ?? today)
    history = TimeWindow(start: zone.start(ofLocalDay: min(first, today)), end: asked.end)
    timeZone = zone.name
    seed = query.seed
    trials = query.trials
    var daily = [Int](repeating: 0, count: max(0, Int(today - first)))
    var leftOut: [LeftOutReason: Int] = [:]
    var count = 0
    for item in population.items {
      guard let ended = item.ended, history.contains(ended) else { continue }
      if item.isExcluded {
        leftOut[.excluded, default: 0] += 1
      } else if !item.isDone {
        leftOut[.notDone, default: 0] += 1
      } else {
        daily[Int(zone.localDay(of: ended) - first)] += 1
        count += 1
      }
    }
    throughput = daily
    self.population = Population(n: count, leftOut: leftOut)
    guard daily.count(where: { $0 > 0 }) >= 5 else {
      refusal = .tooFewDays
      return
    }
    let blackouts = Set(query.blackoutDays.map { Int(zone.localDay(of: $0) - today) })
    let by = query.by.map { max(0, Int(zone.localDay(of: $0) - today)) }
    let forecast = MonteCarlo(throughput: daily, trials: query.trials, seed: query.seed, blackouts: blackouts)
    if let items = query.items, items > 0 { when = When(items, by, forecast, zone, today) }
    if let by { howMany = HowMany(by, query.items, forecast) }
  }
}

extension ForecastReport.When {
  fileprivate init(_ items: Int, _ by: Int?, _ forecast: MonteCarlo, _ zone: TimeZoneRules, _ today: Int64) {
    let result = forecast.days(for: items)
    self.items = items
    days = ForecastReport.percents.map { percent in
      let day = MonteCarlo.firstDay(at: percent, of: result)
      return ForecastReport.Day(
        percent: percent, day: day, date: day.map { zone.start(ofLocalDay: today + Int64($0)) })
    }
    chanceByDate = by.map { by in ForecastReport.Chance(result.count { $0.map { $0 <= by } ?? false }, of: result.count) }
  }
}

extension ForecastReport.HowMany {
  fileprivate init(_ days: Int, _ items: Int?, _ forecast: MonteCarlo) {
    let result = forecast.items(in: days)
    self.days = days
    counts = ForecastReport.percents.map { percent in
      ForecastReport.Count(percent: percent, items: MonteCarlo.atLeast(at: percent, of: result))
    }
    chanceOfItems = items.map { items in ForecastReport.Chance(result.count { $0 >= items }, of: result.count) }
  }
}

extension ForecastReport {
  fileprivate static let percents = [50, 70, 85, 95]
}

extension ForecastReport.Chance {
  package init(_ count: Int, of trials: Int) {
    let exact = trials == 0 ? 0 : Double(count) / Double(trials)
    share = min(exact, 0.95)
    isAbove95 = exact > 0.95
  }
}

/// Draws days from the past, with replacement.
package struct MonteCarlo: Sendable {
  let throughput: [Int]
  let trials: Int
  let seed: UInt64
  /// Days from today on which nothing is done.
  let blackouts: Set<Int>

  /// How many days a trial looks ahead.
  package static let horizon = 3660

  package init(throughput: [Int], trials: Int = 10_000, seed: UInt64, blackouts: Set<Int> = []) {
    self.throughput = throughput
    self.trials = trials
    self.seed = seed
    self.blackouts = blackouts
  }

  /// For each trial, the day on which the items are done, in ascending order. Tomorrow is day 1. Nil, beyond the horizon,
  /// comes last.
  package func days(for items: Int) -> [Int?] {
    var random = SeededRandom(seed: seed)
    let results = (0..<trials).map { _ in
      var done = 0
      for day in 1...Self.horizon where !blackouts.contains(day) {
        done += draw(&random)
        if done >= items { return day }
      }
      return Int.max
    }
    return results.sorted().map { $0 == .max ? nil : $0 }
  }

  /// For each trial, the number of items done in so many days, in ascending order.
  package func items(in days: Int) -> [Int] {
    var random = SeededRandom(seed: seed)
    let working = days <= 0 ? 0 : days - blackouts.count { (1...days).contains($0) }
    return (0..<trials).map { _ in (0..<min(working, Self.horizon)).reduce(0) { sum, _ in sum + draw(&random) } }.sorted()
  }

  private func draw(_ random: inout SeededRandom) -> Int {
    guard !throughput.isEmpty else { return 0 }
    return throughput[Int(random.next().multipliedFullWidth(by: UInt64(throughput.count)).high)]
  }

  /// The first day by which this share of the trials is done.
  package static func firstDay(at percent: Int, of sorted: [Int?]) -> Int? {
    sorted.isEmpty ? nil : sorted[Statistics.rank(percent, sorted.count) - 1]
  }

  /// The most items that this share of the trials reaches. For 85 % that is the 15th percentile.
  package static func atLeast(at percent: Int, of sorted: [Int]) -> Int {
    sorted.isEmpty ? 0 : sorted[sorted.count - Statistics.rank(percent, sorted.count)]
  }
}
