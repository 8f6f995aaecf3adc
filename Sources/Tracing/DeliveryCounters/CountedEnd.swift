import ValueStreamCore

/// An end as it was counted: enough to tell whether the span still says the same, and to correct the counters where it does not.
package struct CountedEnd: Sendable, Hashable {
  /// What of an end was observed. What was not known when it was counted is observed once it is.
  struct Parts: OptionSet, Hashable {
    var rawValue: UInt16

    static let duration = Parts(rawValue: 1)
    static let phases = Parts(rawValue: 2)
    static let waiting = Parts(rawValue: 4)
    static let executing = Parts(rawValue: 8)
    static let firstReview = Parts(rawValue: 16)
    static let approval = Parts(rawValue: 32)
    static let merge = Parts(rawValue: 64)
    static let deploy = Parts(rawValue: 128)
    /// Everything, for an end that an older version counted.
    static let all = Parts(rawValue: 255)
    /// What an older version counted at once, before a change or a deploy had waited.
    static let countedAtOnce: Parts = [.duration, .phases, .waiting, .executing]
  }

  var attempt: Int
  var end: Timestamp
  var labels: FinishedLabels
  /// As the counters have it.
  var outcome: String
  /// The name of the pipeline, empty for one without; nil for what is no run of a pipeline.
  var pipeline: String?
  /// Label values of the repository that a change is of; nil for what is no change.
  var repository: [String]?
  /// Service and step of a successful deploy; nil where none was counted.
  var deploy: DeployStepLabels?
  var parts: Parts = []

  init(_ attempt: FinishedAttempt) {
    self.attempt = attempt.outline.number
    end = attempt.outline.end ?? .epoch
    labels = attempt.labels
    outcome = attempt.outcomeLabel
    pipeline = attempt.pipeline
    repository = attempt.repository
  }

  /// True where the counters have an attempt as it is.
  func agrees(with attempt: FinishedAttempt) -> Bool {
    outcome == attempt.outcomeLabel && labels == attempt.labels && pipeline == attempt.pipeline
      && repository == attempt.repository
  }
}

/// What tells the step of a deploy apart, besides the labels that it has as an operation.
struct DeployStepLabels: Sendable, Hashable {
  var service: String
  /// Empty where neither its service nor its repository is known.
  var step: String
}

// MARK: Stored form

extension CountedEnd {
  /// Stands at the beginning of each line, so that a later version may write other lines.
  private static let version: Substring = "1"
  private static let none: Substring = "-"

  /// Reads what was counted of the ends of a subject; what cannot be read is left out.
  package static func decode(_ bytes: [UInt8], of source: String) -> [CountedEnd] {
    bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
      CountedEnd(line: Substring(decoding: line, as: UTF8.self), source: source)
    }
  }

  /// One line for each end.
  package static func encode(_ ends: [CountedEnd]) -> [UInt8] { ends.flatMap { Array($0.line.utf8) } }

  private init?(line: Substring, source: String) {
    let fields = line.unicodeScalars.split(separator: "\t", omittingEmptySubsequences: false).map { Substring($0) }
    guard fields.count >= 10, fields[0] == Self.version, let attempt = Int(fields[1]), let end = Int64(fields[2]),
      let parts = UInt16(fields[3])
    else { return nil }
    guard let operation = Operation(rawValue: MetricFamily.unescape(fields[4])) as Operation? else { return nil }
    func optional(_ field: Substring) -> String? { field == Self.none ? nil : MetricFamily.unescape(field.dropFirst()) }
    self.attempt = attempt
    self.end = Timestamp(nanoseconds: end)
    self.parts = Parts(rawValue: parts)
    labels = FinishedLabels(
      operation: operation, source: source, project: MetricFamily.unescape(fields[5]),
      environment: MetricFamily.unescape(fields[6]))
    outcome = MetricFamily.unescape(fields[7])
    pipeline = optional(fields[8])
    let rest = fields[9...].map { MetricFamily.unescape($0) }
    switch (rest.first, rest.count) {
    case ("d", 3): deploy = DeployStepLabels(service: rest[1], step: rest[2])
    case ("c", 4): repository = Array(rest[1...])
    default: break
    }
  }

  private var line: String {
    var fields = [
      String(Self.version), "\(attempt)", "\(end.nanoseconds)", "\(parts.rawValue)",
      MetricFamily.escape(labels.operation.rawValue),
      MetricFamily.escape(labels.project), MetricFamily.escape(labels.environment), MetricFamily.escape(outcome),
      pipeline.map { "=" + MetricFamily.escape($0) } ?? String(Self.none),
    ]
    if let deploy {
      fields += ["d", MetricFamily.escape(deploy.service), MetricFamily.escape(deploy.step)]
    } else if let repository {
      fields += ["c"] + repository.map(MetricFamily.escape)
    } else {
      fields.append("")
    }
    return fields.joined(separator: "\t") + "\n"
  }
}

// MARK: Comparison

/// What was counted of a subject beside what its spans say now.
///
/// An earlier attempt that arrives late renumbers the later ones, so ends are told apart by their times first, then by what was counted.
package struct EndComparison {
  /// Ends that are counted, with what was counted of each.
  var known: [(counted: CountedEnd, attempt: FinishedAttempt)] = []
  /// Ends that are not counted yet.
  var new: [FinishedAttempt] = []
  /// What was counted of ends that are no more.
  var gone: [CountedEnd] = []

  package init(counted: [CountedEnd], attempts: [FinishedAttempt]) {
    // Most ends have a time of their own, so that a subject with many attempts costs no more for each.
    let byTime = Dictionary(grouping: counted.indices, by: { counted[$0].end })
    var open = Set(counted.indices)
    var rest = attempts
    func pair(_ candidates: (FinishedAttempt) -> [Int], where isSame: (CountedEnd, FinishedAttempt) -> Bool) {
      rest.removeAll { attempt in
        guard let index = candidates(attempt).first(where: { open.contains($0) && isSame(counted[$0], attempt) }) else {
          return false
        }
        open.remove(index)
        known.append((counted[index], attempt))
        return true
      }
    }
    func sameTime(_ attempt: FinishedAttempt) -> [Int] { attempt.outline.end.flatMap { byTime[$0] } ?? [] }
    pair(sameTime) { $0.agrees(with: $1) }
    pair(sameTime) { _, _ in true }
    for isSame in [{ $0.agrees(with: $1) }, { _, _ in true }] as [(CountedEnd, FinishedAttempt) -> Bool] where !rest.isEmpty {
      let left = open.sorted()
      pair({ _ in left }, where: isSame)
    }
    new = rest
    gone = open.sorted().map { counted[$0] }
  }

  /// True where the counters say what the spans say.
  package var isSettled: Bool { new.isEmpty && gone.isEmpty && known.allSatisfy { $0.agrees(with: $1) } }
}
