import ValueStreamCore

/// An end as the metrics counted it.
///
/// It holds enough to tell whether the span still agrees, and to correct the counters if it does not.
package struct CountedEnd: Sendable, Hashable {
  /// The observations made for an end. Whatever is unknown when the end is counted is observed later, once it is known.
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
    /// All parts, for an end that an older version counted.
    static let all = Parts(rawValue: 255)
    /// The parts that an older version counted at once, while changes and deploys were still awaiting measurement.
    static let countedAtOnce: Parts = [.duration, .phases, .waiting, .executing]
  }

  var attempt: Int
  var end: Timestamp
  var labels: FinishedLabels
  /// The outcome label under which the counters counted the end.
  var outcome: String
  /// The name of the pipeline, empty if it has none; nil if the attempt is not a pipeline run.
  var pipeline: String?
  /// Label values of the change's repository; nil if the attempt is not a change.
  var repository: [String]?
  /// Service and step of a successful deploy; nil if no deploy was counted.
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

  /// True if the counters already show the attempt as it is now.
  func agrees(with attempt: FinishedAttempt) -> Bool {
    outcome == attempt.outcomeLabel && labels == attempt.labels && pipeline == attempt.pipeline
      && repository == attempt.repository
  }
}

/// The labels of a deploy's step, in addition to its labels as an operation.
struct DeployStepLabels: Sendable, Hashable {
  var service: String
  /// The value of `valuestream.deployment.step`. Empty if neither service nor repository of the deploy is known.
  var step: String
}

// MARK: Stored form

extension CountedEnd {
  /// Format version, at the beginning of each line. A later version can write different lines, which this one ignores.
  private static let version: Substring = "1"
  private static let none: Substring = "-"

  /// Reads the counted ends of a subject. Skips lines that it cannot read.
  ///
  /// - Parameter source: The subject's source, which the stored lines do not contain.
  package static func decode(_ bytes: [UInt8], of source: String) -> [CountedEnd] {
    bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
      CountedEnd(line: Substring(decoding: line, as: UTF8.self), source: source)
    }
  }

  /// Returns the stored form, with one line per end.
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

/// Compares the counted ends of a subject with the ends that its spans have now.
///
/// An earlier attempt that arrives late renumbers the later ones. Therefore ends are matched by their time first, then
/// by what was counted.
package struct EndComparison {
  /// Ends that were counted and still exist, each with what was counted.
  var known: [(counted: CountedEnd, attempt: FinishedAttempt)] = []
  /// Ends that are not counted yet.
  var new: [FinishedAttempt] = []
  /// Counted ends that no longer exist.
  var gone: [CountedEnd] = []

  package init(counted: [CountedEnd], attempts: [FinishedAttempt]) {
    // An index by time keeps the cost linear for subjects with many attempts, because most ends have distinct times.
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

  /// True if the counters agree with the spans.
  package var isConsistent: Bool { new.isEmpty && gone.isEmpty && known.allSatisfy { $0.agrees(with: $1) } }
}
