import ValueStreamCore

/// The names of a report, with numbers of its own. Names that differ only in case are one. Number 0 is the unknown name.
struct NameTable: Sendable {
  /// By raw value, -1 for names that are unresolved. Stores count names from 1, so that the list is short.
  private var numbers: [Int32] = [0]
  /// The numbers of names beyond the list.
  private var others: [FactName: Int32] = [:]
  private var numberOfText: [String: Int32] = [:]
  private(set) var texts: [String] = [""]
  private var unresolved: Set<FactName> = []
  private var last = FactName.none
  private static let listLimit = 1 << 22

  init() {}

  var count: Int { texts.count }

  /// Notes that a row has the name.
  mutating func note(_ name: FactName) {
    guard name != last else { return }
    last = name
    let place = Int(name.rawValue)
    if place < numbers.count {
      if numbers[place] == -1 {
        numbers[place] = -2
        unresolved.insert(name)
      }
    } else if place >= Self.listLimit {
      if others[name] == nil { unresolved.insert(name) }
    } else {
      numbers += repeatElement(-1, count: max(place + 1, min(2 * numbers.count, Self.listLimit)) - numbers.count)
      numbers[place] = -2
      unresolved.insert(name)
    }
  }

  /// Notes the unresolved names of another table.
  mutating func note(_ other: NameTable) {
    for name in other.unresolved { note(name) }
  }

  /// Resolves all names noted so far.
  mutating func resolve(in source: any FactSource) throws {
    guard !unresolved.isEmpty else { return }
    let found = try source.texts(of: unresolved)
    // In the order of the texts, so that numbers do not depend on the order of rows.
    for (name, text) in found.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
      let folded = text.lowercased()
      let number = numberOfText[folded] ?? Int32(texts.count)
      if number == texts.count {
        numberOfText[folded] = number
        texts.append(text)
      }
      if Int(name.rawValue) < numbers.count { numbers[Int(name.rawValue)] = number } else { others[name] = number }
    }
    unresolved = []
  }

  /// The number of a resolved name. 0 for a name without text.
  func number(of name: FactName) -> Int32 {
    let place = Int(name.rawValue)
    return place < numbers.count ? max(numbers[place], 0) : others[name] ?? 0
  }

  func text(of number: Int32) -> String? { number == 0 ? nil : texts[Int(number)] }

  func text(of name: FactName) -> String? { text(of: number(of: name)) }

  func number(of text: String) -> Int32? { numberOfText[text.lowercased()] }

  /// For each number, whether a pattern matches the name. Without patterns, all names match, known or not.
  func matching(_ patterns: [NamePattern]) -> [Bool] {
    guard !patterns.isEmpty else { return [Bool](repeating: true, count: texts.count) }
    return [false] + texts.dropFirst().map(patterns.match)
  }
}

/// Decides which environments count.
package struct EnvironmentRule: Sendable {
  private let isAsked: Bool
  private var matches: [Bool]

  /// - Parameter names: resolved names. Those resolved later count as unknown.
  init(_ settings: ReportSettings, _ scope: ReportScope, _ names: NameTable) {
    let patterns = scope.environments.isEmpty ? settings.production : scope.environments
    isAsked = !patterns.isEmpty
    matches = isAsked ? names.matching(patterns) : names.texts.map(Self.isProduction)
  }

  func includes(_ target: DeployFactTarget, _ names: NameTable) -> Bool {
    let number = Int(names.number(of: target.environment))
    let matches = number < matches.count && matches[number]
    if isAsked { return matches }
    if target.traits.contains(.isProduction) { return true }
    return !target.traits.contains(.isNotProduction) && matches
  }

  /// True if nothing says whether the deploy is to production.
  func isUndecided(_ target: DeployFactTarget, _ names: NameTable) -> Bool {
    guard names.number(of: target.environment) == 0 else { return false }
    return isAsked || target.traits.isDisjoint(with: [.isProduction, .isNotProduction])
  }

  /// True for a name that contains `prod`, `production` or `live` as a word, as in `prod-eu`, but not in `pre-prod`.
  package static func isProduction(_ name: String) -> Bool {
    guard mayBeProduction(name) else { return false }
    let words = name.lowercased().split { !$0.isLetter && !$0.isNumber }
    for (index, word) in words.enumerated() where ["prod", "production", "live"].contains(word) {
      if index == 0 || !["pre", "non", "not", "no"].contains(words[index - 1]) { return true }
    }
    return false
  }
}

extension EnvironmentRule {
  /// False for an ASCII text without `prod` and `live` in any case. Splitting thousands of names into words takes long.
  fileprivate static func mayBeProduction(_ name: String) -> Bool {
    /// The last four letters in lower case, the newest in the lowest byte.
    var last: UInt32 = 0
    for byte in name.utf8 {
      if byte >= 0x80 { return true }
      last = last << 8 | UInt32(byte | 0x20)
      if last == 0x7072_6f64 || last == 0x6c69_7665 { return true }
    }
    return false
  }
}

/// Decides which rows belong to the scope of a report, and to which groups.
struct ScopeRule: Sendable {
  private let services: [Bool]
  private let repositories: [Bool]
  private let workTypes: [Bool]
  private let hasWorkTypes: Bool
  /// The numbers of the teams of a name.
  private let teams: [[Int32]]
  private let team: Int32?
  let grouping: Grouping?
  /// True if the scope leaves out nothing.
  let includesEverything: Bool

  init(_ settings: ReportSettings, _ scope: ReportScope, _ grouping: Grouping?, _ names: NameTable) throws(ReportError) {
    self.grouping = grouping
    includesEverything =
      scope.services.isEmpty && scope.repositories.isEmpty && scope.workTypes.isEmpty && scope.team == nil
    services = names.matching(scope.services)
    repositories = names.matching(scope.repositories)
    workTypes = names.matching(scope.workTypes)
    hasWorkTypes = !scope.workTypes.isEmpty
    if let name = scope.team {
      guard let index = settings.teams.firstIndex(where: { $0.name.lowercased() == name.lowercased() }) else {
        throw ReportError(.unknownTeam, "unknown team '\(name)': the setting of teams does not name it")
      }
      team = Int32(index)
    } else {
      team = nil
    }
    if scope.team != nil || grouping == .team {
      teams = names.texts.enumerated().map { number, text in
        guard number > 0 else { return [] }
        return settings.teams.indices.filter { settings.teams[$0].patterns.match(text) }.map { Int32($0) }
      }
    } else {
      teams = []
    }
  }

  /// - Parameter service: nil for rows that have none, such as issues.
  func includes(service: Int32?, repository: Int32) -> Bool {
    if includesEverything { return true }
    if let service, !services.at(service) { return false }
    guard repositories.at(repository) else { return false }
    guard let team else { return true }
    return teams(of: repository).contains(team) || service.map { teams(of: $0).contains(team) } ?? false
  }

  func includes(workType: Int32) -> Bool { !hasWorkTypes || workTypes.at(workType) }

  private func teams(of name: Int32) -> [Int32] { Int(name) < teams.count ? teams[Int(name)] : [] }

  /// Calls `visit` with the number of each group of a row: a name, or for teams the number of the team plus 1. 0 is the
  /// group of rows that belong to none, or to the only group.
  func forEachGroup(service: Int32, repository: Int32, environment: Int32, _ visit: (Int32) -> Void) {
    switch grouping {
    case nil: visit(0)
    case .service: visit(service)
    case .repository: visit(repository)
    case .environment: visit(environment)
    case .team:
      let ofService = teams(of: service)
      let ofRepository = teams(of: repository)
      if ofService.isEmpty, ofRepository.isEmpty { visit(0) }
      for team in ofService { visit(team + 1) }
      for team in ofRepository where !ofService.contains(team) { visit(team + 1) }
    }
  }

  func key(ofGroup number: Int32, _ settings: ReportSettings, _ names: NameTable) -> GroupKey {
    guard let grouping else { return .all }
    if grouping == .team {
      return GroupKey(grouping: .team, name: number == 0 ? nil : settings.teams[Int(number) - 1].name)
    }
    return GroupKey(grouping: grouping, name: names.text(of: number))
  }

  /// The number of a group. Nil if no row can be in it.
  func group(of key: GroupKey, _ settings: ReportSettings, _ names: NameTable) -> Int32? {
    guard key.grouping == grouping else { return nil }
    guard grouping != nil, let name = key.name else { return 0 }
    if grouping == .team {
      return settings.teams.firstIndex { $0.name.lowercased() == name.lowercased() }.map { Int32($0) + 1 }
    }
    return names.number(of: name)
  }
}

extension [Bool] {
  /// False for the number of a name that was resolved later.
  fileprivate func at(_ number: Int32) -> Bool { Int(number) < count && self[Int(number)] }
}
