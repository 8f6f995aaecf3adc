import ValueStreamCore

/// An account on GitHub: a user, a bot or an organisation.
final class Account {
  enum Kind: String {
    case user = "User"
    case bot = "Bot"
    case organization = "Organization"
  }

  let id: Int64
  let login: String
  let kind: Kind
  /// The name for commits.
  let name: String
  let email: String
  /// The account as in payloads.
  let json: [UInt8]

  init(id: Int64, login: String, kind: Kind, name: String, email: String) {
    self.id = id
    self.login = login
    self.kind = kind
    self.name = name
    self.email = email
    let escaped = login.replacing("[", with: "%5B").replacing("]", with: "%5D")
    let isBot = kind == .bot
    let page = isBot ? "https://github.com/apps/\(login.prefix { $0 != "[" })" : "https://github.com/\(login)"
    var json = JSONWriter(capacity: 500)
    json.object { json in
      json.member("login", login)
      json.member("id", id)
      json.member("node_id", "\(isBot ? "BOT" : "U")_kgDO\(String(id, radix: 36))")
      json.member("avatar_url", "https://avatars.githubusercontent.com/\(isBot ? "in" : "u")/\(id)?v=4")
      json.member("gravatar_id", "")
      json.member("url", "https://api.github.com/users/\(escaped)")
      json.member("html_url", page)
      json.member("repos_url", "https://api.github.com/users/\(escaped)/repos")
      json.member("events_url", "https://api.github.com/users/\(escaped)/events{/privacy}")
      json.member("type", kind.rawValue)
      json.member("user_view_type", "public")
      json.member("site_admin", false)
    }
    self.json = json.bytes
  }
}

/// A member of the team.
final class Person {
  let account: Account
  let habits: Habits
  /// The seed of this person's working hours, so that they differ from those of others.
  private let seed: UInt64

  struct Habits: Sendable {
    var login: String
    var name: String
    /// The names of the repositories that this person works on, the main one first.
    var repositories: [String]
    /// The working hours, as hours of the day in UTC.
    var from: Double
    var to: Double
    /// The day off, as a weekday from 0 for Sunday; nil for none.
    var freeWeekday: Int?
    /// The share of pull requests that start as a draft.
    var drafts: Double
    /// The share of branches named after their issue; the others use closing words in the body of the pull request.
    var namesBranches: Double
    /// The share of updates that rebase the branch and push by force instead of adding a commit.
    var forces: Double
    /// The share of first reviews that request changes.
    var strictness: Double
    /// The median hours of work until a review.
    var reviewHours: Double
    /// The share of weekend days with some work.
    var weekends: Double
  }

  init(account: Account, habits: Habits, seed: UInt64) {
    self.account = account
    self.habits = habits
    self.seed = seed
  }

  /// Returns the working hours of a day, given in days since the Unix epoch; nil on a day off.
  private func hours(on day: Int64) -> (from: Timestamp, to: Timestamp)? {
    var random = SeededRandom(seed: seed &+ UInt64(bitPattern: day) &* 0x9e37_79b9_7f4a_7c15)
    let midnight = Timestamp.midnight(of: day)
    let weekday = Timestamp.weekday(of: day)
    if weekday == 0 || weekday == 6 {
      guard random.chance(habits.weekends) else { return nil }
      let from = random.between(9, 17)
      return (midnight.after(from * 3600), midnight.after((from + random.between(0.7, 2.5)) * 3600))
    }
    guard weekday != habits.freeWeekday, !random.chance(0.04) else { return nil }
    let from = habits.from + random.between(-0.4, 0.5)
    // Sometimes work takes longer than planned.
    let late = random.chance(0.06) ? random.between(0.5, 2.2) : 0
    return (midnight.after(from * 3600), midnight.after((habits.to + random.between(-0.5, 0.5) + late) * 3600))
  }

  /// Returns when an amount of work is done that starts at a given time, or in the next working hours after it.
  ///
  /// - Parameter seconds: The amount of work, in seconds of working time.
  func spanEvent(after start: Timestamp, work seconds: Double) -> Timestamp {
    var rest = max(seconds, 1)
    var day = start.day
    // Bounds the search: 200 days are enough for all work, also after days off.
    for _ in 0..<200 {
      if let (from, to) = hours(on: day) {
        let begin = max(start, from)
        let available = to.seconds(since: begin)
        if available > rest { return begin.after(rest) }
        if available > 0 { rest -= available }
      }
      day += 1
    }
    return Timestamp.midnight(of: day)
  }
}
