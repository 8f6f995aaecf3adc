import ValueStreamCore

/// What the computation of facts remembers between steps.
///
/// Most of it is stored with the facts, in one value for each entry, so that a step writes no more than it changes.
struct FactMemory: Sendable {
  private(set) var work = FactWork()
  private(set) var repositories: [ExactText: RepositoryNotes] = [:]
  /// Reverts whose original is unknown, by its name.
  private var missingOriginals: [Reference: Set<SubjectKey>] = [:]
  private(set) var setAside = FactSetAside()
  /// True if the stored facts were computed with other rules, or by an earlier version.
  private(set) var hasOtherRules = false
  /// How often a limit was exceeded since the last step.
  private(set) var exceeded: [FactLimit: Int] = [:]

  /// The stored values that changed. Empty for those to remove.
  private var changedValues: [String: [UInt8]] = [:]

  // Not stored. Without it, more is computed than necessary.

  /// For a service or a target, a time after which no known deploy ended.
  private var latestEnds: [ExactText: Timestamp] = [:]
  /// The changes of runs that were computed.
  private var runChanges: [SubjectKey: FactID?] = [:]
  var names: [ExactText: FactName] = [:]
  /// The branches into which changes were merged. Nil if they are too many.
  var mergedTo: Set<SubjectKey>? = []
  /// When the latest incident began. Nil if that is not known yet.
  var latestIncident: Timestamp?
  /// What the running pass over incidents still has to compute, in its order. Nil if it is to be read.
  var incidentsOfPass: ArraySlice<IncidentPlace>?
  /// What a running pass over deploys still has to compute of the days that it read last. Nil if it is to be read.
  var deploysOfPass: DeployWindow?

  init() {}

  /// Reads stored values.
  ///
  /// - Parameter isStart: true after a start, false after a failed step.
  init(_ values: [String: [UInt8]], rules: FactRules, isStart: Bool) {
    for (name, bytes) in values where name.hasPrefix(Self.prefix) {
      let parts = name.dropFirst(Self.prefix.count).split(separator: " ", maxSplits: 1)
      guard let kind = parts.first.flatMap({ Kind(rawValue: String($0)) }) else {
        // Earlier versions spread lists over numbered values. Their rules are others, so all facts are computed again anyway.
        changedValues[name] = []
        continue
      }
      restore(kind, parts.dropFirst().first ?? "", Substring(decoding: bytes, as: UTF8.self), isStart: isStart)
    }
    for notes in repositories.values {
      if notes.branches == nil { mergedTo = nil }
      if let branches = notes.branches { mergedTo?.formUnion(branches) }
    }
    let text = Array(rules.text.utf8)
    let known = values["\(Self.prefix)\(Kind.rules.rawValue)"]
    hasOtherRules = known.map { $0 != text } ?? false
    if known != text { store(.rules, "", rules.text) }
  }

  // MARK: Stored values

  private static let prefix = "facts."

  /// What a stored value is about. The rest of its name says which one.
  private enum Kind: String {
    case rules
    case subject, late, deploys, incidents
    case repository, service, branch
    case revert
    case setAside = "set_aside"
  }

  private mutating func store(_ kind: Kind, _ name: String, _ text: String = "1") {
    changedValues["\(Self.prefix)\(kind.rawValue)\(name.isEmpty ? "" : " ")\(name)"] = Array(text.utf8)
  }

  private mutating func remove(_ kind: Kind, _ name: String = "") { store(kind, name, "") }

  private mutating func restore(_ kind: Kind, _ name: Substring, _ text: Substring, isStart: Bool) {
    if text.isEmpty { return }
    let parts = name.split(separator: " ")
    switch kind {
    case .rules: return
    case .subject: if let key = SubjectKey(String(name)) { _ = work.queue(key) }
    case .late:
      guard let repository = PercentEncoding.decode(name), let time = Int64(text) else { return }
      _ = work.queue(repository: ExactText(repository), since: Timestamp(nanoseconds: time))
    case .deploys: if let scope = DeployScope(name), let pass = FactPass(text) { work.restore(scope, pass) }
    case .incidents: if let pass = FactPass(text) { work.restoreIncidents(pass) }
    case .repository:
      if let repository = PercentEncoding.decode(name) { repositories[ExactText(repository), default: .init()].restore(text) }
    case .service:
      guard parts.count == 2, let repository = PercentEncoding.decode(parts[0]), let service = PercentEncoding.decode(parts[1])
      else { return }
      repositories[ExactText(repository), default: .init()].services.insert(ExactText(service))
    case .branch:
      guard parts.count == 2, let repository = PercentEncoding.decode(parts[0]), let branch = SubjectKey(String(parts[1]))
      else { return }
      repositories[ExactText(repository), default: .init()].branches?.insert(branch)
    case .revert:
      guard parts.count == 2, let original = PercentEncoding.decode(parts[0]), let key = SubjectKey(String(parts[1])),
        let separator = original.utf8.firstIndex(of: UInt8(ascii: ":"))
      else { return }
      let value = original[original.utf8.index(after: separator)...]
      let reference = Reference(Reference.Kind(rawValue: String(original[..<separator])), String(value))
      missingOriginals[reference, default: []].insert(key)
    case .setAside:
      guard let item = FactItem(name), !setAside.restore(item, text, isStart: isStart) else { return }
      remove(.setAside, item.description)
      if case .subject(let key) = item { queue(key) }
    }
  }

  /// Returns the stored values that changed since the last call.
  mutating func takeChangedValues() -> [String: [UInt8]] {
    defer { changedValues = [:] }
    return changedValues
  }

  /// Returns how often each limit was exceeded since the last call.
  mutating func takeExceeded() -> [FactLimit: Int] {
    defer { exceeded = [:] }
    return exceeded
  }

  private mutating func exceed(_ limit: FactLimit) { exceeded[limit, default: 0] += 1 }

  // MARK: Work

  mutating func queue(_ key: SubjectKey) {
    if work.queue(key) { store(.subject, key.description) }
  }

  mutating func dequeue(_ key: SubjectKey) {
    if work.dequeue(key) { remove(.subject, key.description) }
  }

  /// Removes and returns the queued subjects that have waited longest.
  mutating func dequeue(atMost limit: Int) -> [SubjectKey] {
    let keys = work.removeFirst(atMost: limit)
    for key in keys { remove(.subject, key.description) }
    return keys
  }

  /// Lets the deploys of all services of a repository be computed again from a time on.
  ///
  /// One entry, however many services there are. They are queued when it is their turn.
  mutating func queue(repository: String, since time: Timestamp) {
    if work.queue(repository: ExactText(repository), since: time) {
      store(.late, PercentEncoding.encode(repository), "\(time.nanoseconds)")
    }
  }

  mutating func dequeueRepository() -> (name: ExactText, since: Timestamp)? {
    guard let first = work.removeFirstRepository() else { return nil }
    remove(.late, PercentEncoding.encode(first.name.text))
    return first
  }

  /// Lets the deploys of a service, or of a service to an environment, be computed again from a time on.
  mutating func queue(_ scope: DeployScope, from time: Timestamp) {
    if work.queue(scope, from: time) { storePass(over: scope) }
    if let window = deploysOfPass, window.scope.service == scope.service, window.holds(time) { deploysOfPass = nil }
  }

  mutating func nextScope() -> DeployScope? { work.nextScope() }

  mutating func advance(_ scope: DeployScope, to position: FactPass.Position) {
    work.advance(scope, to: position)
    storePass(over: scope)
  }

  mutating func finish(_ scope: DeployScope) {
    work.finish(scope)
    storePass(over: scope)
  }

  private mutating func storePass(over scope: DeployScope) {
    store(.deploys, scope.description, work.passes[scope]?.text ?? "")
  }

  mutating func queueIncidents(from time: Timestamp) {
    if work.queueIncidents(from: time) { storeIncidents() }
  }

  mutating func advanceIncidents(to position: FactPass.Position) {
    work.advanceIncidents(to: position)
    storeIncidents()
  }

  mutating func finishIncidents() {
    work.finishIncidents()
    incidentsOfPass = nil
    storeIncidents()
  }

  private mutating func storeIncidents() { store(.incidents, "", work.incidents?.text ?? "") }

  // MARK: Items that are passed over

  /// Sets an item aside: forgets the work on it, and remembers why.
  mutating func passOver(_ item: FactItem, _ reason: FactSetAsideReason) {
    switch item {
    case .subject(let key): dequeue(key)
    case .deploys(let scope): finish(scope)
    case .incidents: finishIncidents()
    case .absorbed, .branch: break
    }
    // An id may be given to another subject later.
    if case .absorbed = item { return }
    if setAside.add(item, reason) { store(.setAside, item.description, FactSetAside.text(reason)) }
  }

  /// Notes that an item can be computed.
  mutating func restoreToUse(_ item: FactItem) {
    if setAside.remove(item) { remove(.setAside, item.description) }
  }

  // MARK: Repositories

  /// Notes successful deploys of a repository or service.
  mutating func noteDeploys(of repository: String, services: [String], lastDay: Int64, skew: Int64 = 0) {
    change(repository) { notes, memory in
      notes.lastDay = max(notes.lastDay, lastDay)
      notes.raiseSkew(to: skew)
      for service in services where !notes.services.contains(ExactText(service)) {
        guard notes.services.count < FactLimit.services.value else {
          memory.exceed(.services)
          continue
        }
        notes.services.insert(ExactText(service))
        memory.store(.service, "\(PercentEncoding.encode(repository)) \(PercentEncoding.encode(service))")
      }
    }
  }

  /// Notes a branch of a repository into which a change was merged.
  ///
  /// - Returns: false if there are too many to remember.
  mutating func noteBranch(_ branch: SubjectKey, of repository: String) -> Bool {
    change(repository) { notes, memory in
      guard var branches = notes.branches, branches.insert(branch).inserted else { return }
      let name = PercentEncoding.encode(repository)
      if branches.count > FactLimit.branches.value {
        memory.exceed(.branches)
        notes.branches = nil
        for known in branches { memory.remove(.branch, "\(name) \(known)") }
      } else {
        notes.branches = branches
        memory.store(.branch, "\(name) \(branch)")
      }
    }
    return repositories[ExactText(repository)]?.branches != nil
  }

  private mutating func change(_ repository: String, _ body: (inout RepositoryNotes, inout FactMemory) -> Void) {
    let name = ExactText(repository)
    guard repositories[name] != nil || repositories.count < FactLimit.repositories.value else { return exceed(.repositories) }
    // Taken out, so that the sets in it are changed in place.
    var notes = repositories.removeValue(forKey: name) ?? RepositoryNotes()
    let before = notes.text
    body(&notes, &self)
    if notes.text != before { store(.repository, PercentEncoding.encode(repository), notes.text) }
    repositories[name] = notes
  }

  /// The last day on which a deploy of a service ended. Nil if none is known.
  func lastDay(ofService service: ExactText) -> Int64? { repositories[service]?.lastDay }

  // MARK: Ends

  /// A time after which no deploy of a service or target ended that was noted before. Nil if unknown.
  func latestEnd(_ scope: String) -> Timestamp? { latestEnds[ExactText(scope)] }

  /// Notes another deploy.
  mutating func noteEnd(_ end: Timestamp, of scope: String) {
    if let known = latestEnds[ExactText(scope)], known < end { latestEnds[ExactText(scope)] = end }
    if let window = deploysOfPass, window.scope.name.hasSameBytes(as: scope), window.holds(end) { deploysOfPass = nil }
  }

  /// Notes that all stored deploys ended at this time or before.
  mutating func setLatestEnd(_ end: Timestamp, of scope: String) {
    if latestEnds.count >= Self.cacheLimit { latestEnds = [:] }
    latestEnds[ExactText(scope)] = max(latestEnds[ExactText(scope)] ?? end, end)
  }

  private static let cacheLimit = 100_000

  // MARK: Runs and reverts

  func change(ofRun key: SubjectKey) -> FactID?? { runChanges[key] }

  mutating func note(_ change: FactID?, ofRun key: SubjectKey) {
    if runChanges.count >= Self.cacheLimit { runChanges = [:] }
    runChanges[key] = .some(change)
  }

  mutating func addRevert(_ key: SubjectKey, of original: Reference) {
    let known = missingOriginals[original]
    if known == nil, missingOriginals.count >= FactLimit.originals.value { return exceed(.originals) }
    if known?.contains(key) ?? false { return }
    if known?.count ?? 0 >= FactLimit.reverts.value { return exceed(.reverts) }
    missingOriginals[original, default: []].insert(key)
    store(.revert, Self.name(key, of: original))
  }

  /// Removes and returns the reverts that wait for this change.
  mutating func takeReverts(of originals: [Reference]) -> Set<SubjectKey> {
    guard !missingOriginals.isEmpty else { return [] }
    var reverts: Set<SubjectKey> = []
    for original in originals {
      guard let waiting = missingOriginals.removeValue(forKey: original) else { continue }
      for key in waiting { remove(.revert, Self.name(key, of: original)) }
      reverts.formUnion(waiting)
    }
    return reverts
  }

  private static func name(_ revert: SubjectKey, of original: Reference) -> String {
    "\(PercentEncoding.encode(original.description)) \(revert)"
  }
}

/// The deploys of some days that a pass has read.
struct DeployWindow: Sendable {
  var scope: DeployScope
  var days: ClosedRange<Int64>
  /// Those that are to be computed.
  var rest: ArraySlice<FactComputer.OrderedDeploy>

  func holds(_ time: Timestamp) -> Bool { days.contains(FactComputer.day(of: time)) }
}

/// The place of an incident in a pass.
struct IncidentPlace: Sendable, Comparable {
  var began: Timestamp
  var id: FactID

  var position: FactPass.Position { FactPass.Position(time: began, name: Self.name(id)) }

  /// Numbers of the same length compare like their texts.
  private static func name(_ id: FactID) -> String {
    let digits = String(id.rawValue, radix: 16)
    return String(repeating: "0", count: max(0, 16 - digits.count)) + digits
  }

  static func < (left: IncidentPlace, right: IncidentPlace) -> Bool { (left.began, left.id) < (right.began, right.id) }
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
