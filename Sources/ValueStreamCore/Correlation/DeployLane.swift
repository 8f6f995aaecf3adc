/// One service in one environment: where deploys follow each other.
struct DeployLane: Sendable, Hashable {
  /// A service that has a name, or what deploys without one have in common: the repository, project or job they are of.
  var service: String
  /// Nil where nobody says.
  var environment: String?

  /// - Returns: nil for a thing of which neither is known.
  init?(of key: SpanKey, attributes: (String) -> AttributeValue?) {
    func text(_ name: String) -> String? {
      if case .string(let text) = attributes(name), !text.isEmpty { text } else { nil }
    }
    if let name = text(Self.serviceAttribute) {
      service = "service:\(name.lowercased())"
    } else if let container = key.containerSpace {
      service = String(container)
    } else {
      return nil
    }
    environment = text(Self.environmentAttribute)
  }

  static let serviceAttribute = "valuestream.service"
  static let environmentAttribute = "deployment.environment.name"
}

/// Names that things are found by which happened on a day (of UTC): what happened before a moment is looked for day by day, and not
/// among everything there ever was.
struct DatedName: Sendable, Hashable {
  private let kind: Reference.Kind
  private let subject: String

  /// Deploys of a service, wherever they went.
  static func deploys(of service: String) -> DatedName { DatedName(kind: .deployOn, subject: service) }

  /// Changes that were merged to a branch.
  static func merges(to branch: SpanKey) -> DatedName { DatedName(kind: .mergeOn, subject: branch.description) }

  static func day(of time: Timestamp) -> Int64 {
    let (day, rest) = time.seconds.quotientAndRemainder(dividingBy: 86_400)
    return rest < 0 ? day - 1 : day
  }

  func reference(onDay day: Int64) -> Reference { Reference(kind, "\(subject)@\(day)") }

  func references(onDays days: ClosedRange<Int64>) -> [Reference] { days.map(reference) }
}

extension Event {
  /// With the names that follow from what it says: under which a deploy is found by its service, and a merged change by its branch.
  func namingDays() -> Event {
    guard let name = datedName else { return self }
    var event = self
    for day in Set(marks.map { DatedName.day(of: $0.time.timestamp) }).sorted() {
      let reference = name.reference(onDay: day)
      if !event.publishes.contains(reference) { event.publishes.append(reference) }
    }
    return event
  }

  private var datedName: DatedName? {
    if operation == .deploy {
      return DeployLane(of: key) { attributes.value(of: $0) }.map { .deploys(of: $0.service) }
    }
    guard operation == .pullRequest, outcome == .merged,
      case .string(let name) = attributes.value(of: "vcs.ref.base.name"), let branch = key.branch(named: name)
    else { return nil }
    return .merges(to: branch)
  }
}

extension SpanKey {
  /// Source, host and container, encoded, as things of one repository have them in common; nil without a container on a host that
  /// stays the same: the namespace of a script may hold anything.
  var containerSpace: Substring? {
    let parts = description.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 5, !parts[1].isEmpty, let first = parts[2].first, first != UInt8(ascii: "=") else { return nil }
    return description[..<parts[2].endIndex]
  }

  /// The encoded kind.
  var encodedKind: Substring {
    let parts = description.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    return parts.count == 5 ? Substring(parts[3]) : ""
  }

  /// A branch of the repository that this thing is of.
  func branch(named name: String) -> SpanKey? {
    containerSpace.map { SpanKey(encoded: "\($0):branch:\(PercentEncoding.encode(name))") }
  }

  /// The name of a branch.
  var branchName: String? {
    encodedKind == "branch" ? PercentEncoding.decode(encodedID) : nil
  }
}
