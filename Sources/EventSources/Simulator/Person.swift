import ValueStreamCore

/// Somebody, or something, that acts on GitHub.
final class Account {
  enum Kind: String {
    case user = "User"
    case bot = "Bot"
    case organization = "Organization"
  }

  let id: Int64
  let login: String
  let kind: Kind
  /// For commits.
  let name: String
  let email: String
  /// As payloads show it.
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

/// A member of the team, with habits.
final class Person {
  let account: Account
  let habits: Habits
  /// Tells this person's days apart from those of others.
  private let seed: UInt64

  struct Habits: Sendable {
    var login: String
    var name: String
    /// Names of the repositories this person works on, the own one first.
    var repositories: [String]
    /// Working hours in UTC.
    var from: Double
    var to: Double
    /// 0 is Sunday.
    var freeWeekday: Int?
    /// How often a pull request starts as a draft.
    var drafts: Double
    /// How often a branch is named after its issue, instead of closing words in the body.
    var namesBranches: Double
    /// How often a branch is rebased and pushed by force instead of growing by a commit.
    var forces: Double
    /// How often the first review asks for changes.
    var strictness: Double
    /// Hours of work until a review, in the median.
    var reviewHours: Double
    /// How often something is done on a weekend.
    var weekends: Double
  }

  init(account: Account, habits: Habits, seed: UInt64) {
    self.account = account
    self.habits = habits
    self.seed = seed
  }

  /// The part of a day that is worked; nil when none is.
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
    // Now and then something has to be done today.
    let late = random.chance(0.06) ? random.between(0.5, 2.2) : 0
    return (midnight.after(from * 3600), midnight.after((habits.to + random.between(-0.5, 0.5) + late) * 3600))
  }

  /// The moment at which so much work is done when it begins at a time, or at the next one that is worked.
  func moment(after start: Timestamp, work seconds: Double) -> Timestamp {
    var rest = max(seconds, 1)
    var day = start.day
    // Some weeks are enough for everything; a holiday ends.
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
