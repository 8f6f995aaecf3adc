import ValueStreamCore

/// What the computation of facts remembers between steps.
struct FactMemory: Sendable {
  /// Stored with the facts.
  private(set) var work = FactWork()
  private(set) var repositories: [String: RepositoryNotes] = [:]
  /// Reverts whose original is unknown, by its name.
  private(set) var missingOriginals: [String: Set<SubjectKey>] = [:]
  /// True if the stored facts were computed with other rules.
  private(set) var hasOtherRules = false
  private var rulesText: [UInt8] = []

  /// The names of stored values that changed.
  private var changedValues: Set<String> = []

  // Not stored. Without it, more is computed than necessary.

  /// For a service or a target, a time after which no known deploy ended.
  private var latestEnds: [String: Timestamp] = [:]
  /// The changes of runs that were computed.
  private var runChanges: [SubjectKey: FactID?] = [:]
  var names: [ExactText: FactName] = [:]
  /// The branches into which changes were merged. Nil if they are too many.
  var mergedTo: Set<SubjectKey>? = []
  /// When the latest incident began. Nil if that is not known yet.
  var latestIncident: Timestamp?

  init() {}

  init(_ values: [String: [UInt8]], rules: FactRules) {
    for (name, bytes) in values {
      let lines = bytes.split(separator: UInt8(ascii: "\n")).map { Substring(decoding: $0, as: UTF8.self) }
      if name.hasPrefix(Self.workName) {
        for line in lines { work.decode(line) }
      } else if name.hasPrefix(Self.repositoryName) {
        for line in lines {
          if let (key, notes) = RepositoryNotes.decode(line) { repositories[key] = notes }
        }
      } else if name == Self.originalsName {
        for line in lines {
          let parts = line.split(separator: " ")
          guard parts.count == 2, let reference = PercentEncoding.decode(parts[0]), let key = SubjectKey(String(parts[1])) else {
            continue
          }
          missingOriginals[reference, default: []].insert(key)
        }
      }
    }
    for notes in repositories.values {
      if notes.branches == nil { mergedTo = nil }
      if let branches = notes.branches { mergedTo?.formUnion(branches) }
    }
    rulesText = Array(rules.text.utf8)
    hasOtherRules = values[Self.rulesName].map { $0 != rulesText } ?? false
    if values[Self.rulesName] != rulesText { changedValues.insert(Self.rulesName) }
  }

  // MARK: Stored values

  private static let workName = "facts.work."
  private static let repositoryName = "facts.repository."
  private static let originalsName = "facts.originals"
  private static let rulesName = "facts.rules"
  /// The number of values over which lists are spread, so that a change writes a small part of a long list.
  private static let partCount: UInt64 = 64

  private static func part(_ text: some StringProtocol) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash % partCount
  }

  /// Returns the stored values that changed since the last call.
  mutating func takeChangedValues() -> [String: [UInt8]] {
    var values: [String: [UInt8]] = [:]
    guard !changedValues.isEmpty else { return values }
    var lines: [String: [String]] = [:]
    if changedValues.contains(where: { $0.hasPrefix(Self.workName) }) {
      for (name, line) in work.lines { lines["\(Self.workName)\(Self.part(name))", default: []].append(line) }
    }
    if changedValues.contains(where: { $0.hasPrefix(Self.repositoryName) }) {
      for (key, notes) in repositories {
        let name = "\(Self.repositoryName)\(Self.part(key))"
        if changedValues.contains(name) { lines[name, default: []].append(notes.line(key)) }
      }
    }
    if changedValues.contains(Self.originalsName) {
      lines[Self.originalsName] = missingOriginals.flatMap { reference, keys in
        keys.map { "\(PercentEncoding.encode(reference)) \($0)" }
      }
    }
    for name in changedValues {
      values[name] =
        name == Self.rulesName ? rulesText : Array((lines[name] ?? []).sorted().joined(separator: "\n").utf8)
    }
    changedValues = []
    return values
  }

  // MARK: Work

  mutating func queue(_ key: SubjectKey) {
    if work.subjects.insert(key).inserted { changedValues.insert("\(Self.workName)\(Self.part(key.description))") }
  }

  mutating func dequeue(_ key: SubjectKey) {
    if work.subjects.remove(key) != nil { changedValues.insert("\(Self.workName)\(Self.part(key.description))") }
  }

  /// Lets the deploys of a service, or of a service to an environment, be computed again from a time on.
  mutating func queue(_ scope: DeployScope, from time: Timestamp) {
    for changed in work.queue(scope, from: time) { noteChange(of: changed) }
  }

  mutating func continueWork(on scope: DeployScope, from time: Timestamp?) {
    work.scopes[scope] = time
    noteChange(of: scope)
  }

  private mutating func noteChange(of scope: DeployScope) {
    changedValues.insert("\(Self.workName)\(Self.part(scope.name))")
  }

  mutating func queueIncidents(from time: Timestamp?) {
    let earliest = time.map { min(work.incidents ?? $0, $0) }
    guard earliest != work.incidents else { return }
    setIncidents(from: earliest)
  }

  mutating func setIncidents(from time: Timestamp?) {
    work.incidents = time
    changedValues.insert("\(Self.workName)\(Self.part(FactWork.incidentsName))")
  }

  // MARK: Repositories

  mutating func note(_ repository: String, _ change: (inout RepositoryNotes) -> Void) {
    let before = repositories[repository]
    if before == nil, repositories.count >= Self.repositoryLimit { return }
    var notes = before ?? RepositoryNotes()
    change(&notes)
    guard notes != before else { return }
    repositories[repository] = notes
    changedValues.insert("\(Self.repositoryName)\(Self.part(repository))")
  }

  /// The maximum number of repositories and services to note. Late pushes to others do not reach their deploys.
  private static let repositoryLimit = 100_000

  /// The last day on which a deploy of a service ended. Nil if none is known.
  func lastDay(ofService service: String) -> Int64? { repositories[service]?.lastDay }

  // MARK: Ends

  /// A time after which no deploy of a service or target ended that was noted before. Nil if unknown.
  func latestEnd(_ scope: String) -> Timestamp? { latestEnds[scope] }

  /// Notes another deploy.
  mutating func noteEnd(_ end: Timestamp, of scope: String) {
    if let known = latestEnds[scope], known < end { latestEnds[scope] = end }
  }

  /// Notes that all stored deploys ended at this time or before.
  mutating func setLatestEnd(_ end: Timestamp, of scope: String) {
    if latestEnds.count >= Self.cacheLimit { latestEnds = [:] }
    latestEnds[scope] = max(latestEnds[scope] ?? end, end)
  }

  private static let cacheLimit = 100_000

  // MARK: Runs and reverts

  func change(ofRun key: SubjectKey) -> FactID?? { runChanges[key] }

  mutating func note(_ change: FactID?, ofRun key: SubjectKey) {
    if runChanges.count >= Self.cacheLimit { runChanges = [:] }
    runChanges[key] = .some(change)
  }

  mutating func addRevert(_ key: SubjectKey, of original: Reference) {
    guard missingOriginals.count < Self.originalLimit || missingOriginals[original.description] != nil else { return }
    if missingOriginals[original.description, default: []].insert(key).inserted { changedValues.insert(Self.originalsName) }
  }

  /// Removes and returns the reverts that wait for this change.
  mutating func takeReverts(of originals: [Reference]) -> Set<SubjectKey> {
    guard !missingOriginals.isEmpty else { return [] }
    var reverts: Set<SubjectKey> = []
    for original in originals {
      if let waiting = missingOriginals.removeValue(forKey: original.description) { reverts.formUnion(waiting) }
    }
    if !reverts.isEmpty { changedValues.insert(Self.originalsName) }
    return reverts
  }

  private static let originalLimit = 1000
}

/// A service, or a service in an environment, whose deploys follow each other.
struct DeployScope: Sendable, Hashable {
  var service: String
  /// Nil for all environments.
  var target: String?

  /// The name by which the deploys are found.
  var name: String { target ?? service }
}

/// What remains to be computed.
struct FactWork: Sendable, Hashable {
  var subjects: Set<SubjectKey> = []
  /// The times from which the deploys must be computed again.
  var scopes: [DeployScope: Timestamp] = [:]
  /// The time from which incidents must be computed again.
  var incidents: Timestamp?

  static let incidentsName = "incidents"

  var isEmpty: Bool { subjects.isEmpty && scopes.isEmpty && incidents == nil }

  /// - Returns: the scopes that changed.
  mutating func queue(_ scope: DeployScope, from time: Timestamp) -> [DeployScope] {
    let whole = DeployScope(service: scope.service)
    if let known = scopes[whole], known <= time { return [] }
    if let known = scopes[scope], known <= time { return [] }
    scopes[scope] = time
    var changed = [scope]
    if scope.target == nil {
      for (other, start) in scopes where other.service == scope.service && other.target != nil && start >= time {
        scopes[other] = nil
        changed.append(other)
      }
    }
    return changed
  }

  /// One line for each entry, with the name that decides where it is stored.
  var lines: [(name: String, line: String)] {
    var lines = subjects.map { ($0.description, "s \($0)") }
    for (scope, time) in scopes {
      let target = scope.target.map { " \(PercentEncoding.encode($0))" } ?? ""
      lines.append((scope.name, "d \(time.nanoseconds) \(PercentEncoding.encode(scope.service))\(target)"))
    }
    if let incidents { lines.append((Self.incidentsName, "i \(incidents.nanoseconds)")) }
    return lines
  }

  mutating func decode(_ line: Substring) {
    let parts = line.split(separator: " ")
    guard parts.count >= 2 else { return }
    let time = Int64(parts[1]).map { Timestamp(nanoseconds: $0) }
    switch parts[0] {
    case "s": if let key = SubjectKey(String(parts[1])) { subjects.insert(key) }
    case "d":
      guard let time, parts.count >= 3, let service = PercentEncoding.decode(parts[2]) else { return }
      let target = parts.count > 3 ? PercentEncoding.decode(parts[3]) : nil
      scopes[DeployScope(service: service, target: target)] = time
    case "i": incidents = time
    default: return
    }
  }
}

/// What is known of the deploys of a repository.
struct RepositoryNotes: Sendable, Hashable {
  /// The services whose deploys have commits of the repository, by the name by which their deploys are found.
  var services: Set<String> = []
  /// The last day on which a deploy ended.
  var lastDay = Int64.min
  /// How far the clocks of deploys were behind that of the pushes at most, in nanoseconds.
  var skew: Int64 = 0
  /// The branches into which changes were merged. Nil if they are too many.
  var branches: Set<SubjectKey>? = []

  static let branchLimit = 500

  func line(_ key: String) -> String {
    let services = services.sorted().map(PercentEncoding.encode).joined(separator: ",")
    let branches = branches.map { $0.map(\.description).sorted().joined(separator: ",") } ?? "*"
    return "\(PercentEncoding.encode(key)) \(lastDay) \(skew) [\(services)] [\(branches)]"
  }

  static func decode(_ line: Substring) -> (key: String, notes: RepositoryNotes)? {
    let parts = line.split(separator: " ")
    guard parts.count == 5, let key = PercentEncoding.decode(parts[0]), let lastDay = Int64(parts[1]), let skew = Int64(parts[2])
    else { return nil }
    func list(_ text: Substring) -> [Substring] { text.dropFirst().dropLast().split(separator: ",") }
    var notes = RepositoryNotes()
    notes.lastDay = lastDay
    notes.skew = skew
    notes.services = Set(list(parts[3]).compactMap(PercentEncoding.decode))
    notes.branches = parts[4] == "[*]" ? nil : Set(list(parts[4]).compactMap { SubjectKey(String($0)) })
    return (key, notes)
  }
}

extension FactRules {
  /// Names the rules, to notice when the user or a newer version of vsd changes them.
  fileprivate var text: String {
    let lists = [bots.names, hotfixes].map { $0.map { PercentEncoding.encode($0.description) }.sorted().joined(separator: ",") }
    // Without the usual zone, as in earlier versions.
    let zone = days == .utc ? [] : [PercentEncoding.encode(days.name)]
    return (lists + zone + ["version=\(FactComputer.version)"]).joined(separator: " ")
  }
}
