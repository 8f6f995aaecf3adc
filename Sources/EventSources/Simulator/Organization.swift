import ValueStreamCore

/// The parts that all teams share: the organisation, its apps, and the offset of ids.
struct Organization {
  let account: Account
  /// The organisation as in every payload.
  let json: [UInt8]
  /// GitHub's own accounts.
  let actions: Account
  let webFlow: Account
  let queueBot: Account
  /// The bot that updates dependencies.
  let updater: Account
  /// The app that scans commits for secrets and vulnerabilities.
  let scanner: Account
  /// The account of an external CI that sets commit statuses.
  let deviceFarm: Account
  /// The offset of all ids. It depends on the seed, so that two histories in one store do not collide.
  let offset: Int64

  init(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let offset = Int64(random.below(60_000_000))
    self.offset = offset
    let account = Account(
      id: 90_000_000 + offset, login: "harbour", kind: .organization, name: "Harbour", email: "hello@harbour.example")
    self.account = account
    func bot(_ name: String, _ id: Int64) -> Account {
      Account(
        id: id, login: "\(name)[bot]", kind: .bot, name: "\(name)[bot]", email: "\(id)+\(name)[bot]@users.noreply.github.com")
    }
    actions = bot("github-actions", 41_898_282)
    queueBot = bot("github-merge-queue", 118_344_674)
    updater = bot("harbour-updates", 70_000_000 + offset)
    scanner = bot("breakwater-scan", 71_000_000 + offset)
    deviceFarm = bot("tidegate", 72_000_000 + offset)
    webFlow = Account(id: 19_864_447, login: "web-flow", kind: .user, name: "GitHub", email: "noreply@github.com")
    var json = JSONWriter(capacity: 600)
    json.object { json in
      json.member("login", account.login)
      json.member("id", account.id)
      json.member("node_id", "O_kgDO\(String(account.id, radix: 36))")
      json.member("url", "https://api.github.com/orgs/harbour")
      json.member("repos_url", "https://api.github.com/orgs/harbour/repos")
      json.member("members_url", "https://api.github.com/orgs/harbour/members{/member}")
      json.member("avatar_url", "https://avatars.githubusercontent.com/u/\(account.id)?v=4")
      json.member("description", "Everything a small merchant needs")
    }
    self.json = json.bytes
  }
}

/// The kinds of ids. Each has its own sequence, as on GitHub; the raw value is the lowest id.
enum IDKind: Int64, CaseIterable {
  case issue = 2_900_000_000
  case pullRequest = 2_400_000_000
  case review = 3_100_000_000
  case comment = 2_700_000_000
  case run = 17_000_000_000
  /// Jobs and check runs share their ids.
  case job = 48_000_000_000
  case suite = 44_000_000_000
  case deployment = 2_200_000_000
  case deploymentStatus = 5_300_000_000
  case status = 36_000_000_000
  case release = 215_000_000
}

/// The ids of a team: increasing, with gaps, and distinct from those of other teams.
struct IDSequences {
  /// The distance between ids, greater than the number of teams.
  static let stride: Int64 = 1024

  private let first: Int64
  private var counts: [IDKind: Int64] = [:]

  init(team: Int, offset: Int64) {
    first = offset + Int64(team)
  }

  mutating func next(_ kind: IDKind, _ random: inout SeededRandom) -> Int64 {
    let count = counts[kind, default: 0] + 1 + Int64(random.below(3))
    counts[kind] = count
    return kind.rawValue + first + count * Self.stride
  }
}
