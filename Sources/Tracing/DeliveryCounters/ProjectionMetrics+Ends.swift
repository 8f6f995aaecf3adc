package import ValueStreamCore

/// Counts ends after a grace period, and corrects counted ends that change later.
extension ProjectionMetrics {
  /// The ends of a subject that are awaiting measurement. Their series start at 0 in the meantime.
  package struct AwaitedEnds: Sendable {
    var attempts: [FinishedAttempt]
    var phases: Set<String>
    var service: String
    /// True if ends of the subject were counted before, so that corrections are possible.
    var mayBeCorrected: Bool

    package init(_ attempts: [FinishedAttempt], of subject: Subject, mayBeCorrected: Bool) {
      self.attempts = attempts
      phases = subject.phaseNames
      service = subject.operation == .deploy ? subject.text(AttributeName.valuestreamService) ?? "" : ""
      self.mayBeCorrected = mayBeCorrected
    }
  }

  /// The value of the labels `from` and `to` in a correction for an end that was not counted before, or no longer
  /// counts.
  static let notCounted = "none"

  /// Initializes series to 0, so that a scrape sees them before they count anything.
  func touch(_ ends: AwaitedEnds) {
    for attempt in ends.attempts where touched.insert(TouchedEnds.Kind(attempt, ends)) {
      let labels = attempt.labels
      preregister(labels)
      finished.touch(labels: labels.ending(attempt.outline.outcome))
      if attempt.durationSeconds != nil { durations.touch(labels: labels.ending(attempt.outline.outcome)) }
      // Start the gauge of running operations at 0, even if nobody saw this operation run.
      active.touch(labels: labels.subject)
      for phase in ends.phases { phases.preregister(labels: labels.subject + [phase]) }
      conventions.touch(attempt)
      switch labels.operation {
      case .pullRequest: changes.touch(source: labels.source, project: labels.project)
      case .deploy where attempt.outline.outcome == .success: deploys.touch(labels, service: ends.service)
      default: break
      }
      var outcomes = labels.usualOutcomes.map(\.rawValue)
      if ends.mayBeCorrected, !outcomes.contains(attempt.outcomeLabel) { outcomes.append(attempt.outcomeLabel) }
      for from in outcomes {
        for to in outcomes where from != to { corrected.preregister(labels: labels.corrected(from: from, to: to)) }
      }
    }
  }

  /// Counts the new ends of a subject, and corrects counted ends that have changed.
  ///
  /// - Parameters:
  ///   - counted: What was counted for the subject's ends before.
  ///   - time: Since when the ends are awaiting measurement.
  ///   - reader: Reads the changes and lead times of deploys.
  ///   - onUnmeasurable: Called for a deploy for which something in the store can never be read. Its deploy metrics are
  ///     left out.
  /// - Returns: The counted ends of the subject. Store them for the next call.
  /// - Throws: ``StoreError`` if something cannot be read at present. Nothing is counted then; try again later.
  package func count(
    _ subject: Subject, counted: [CountedEnd], at time: Timestamp, _ reader: inout TraceReader,
    onUnmeasurable: (OutboxEntry, any Error) -> Void
  ) throws -> [CountedEnd] {
    let attempts = FinishedAttempt.all(subject.outlines(), of: subject, at: time)
    let comparison = EndComparison(counted: counted, attempts: attempts)
    // Read everything first: an error after counting has begun would leave the counters half updated.
    var brought: [Int: Deploy] = [:]
    var unmeasurable: Set<Int> = []
    let former = subject.operation == .deploy ? Self.former(attempts, comparison) : []
    for attempt in subject.operation == .deploy ? attempts : [] where attempt.outline.outcome == .success {
      guard !former.contains(attempt.outline.number) else {
        unmeasurable.insert(attempt.outline.number)
        continue
      }
      do {
        brought[attempt.outline.number] = try reader.deploy(ofAttempt: attempt.outline.number, of: subject.key)
      } catch let error as StoreError where !error.isRetryable {
        unmeasurable.insert(attempt.outline.number)
        onUnmeasurable(attempt.outboxEntry, error)
      }
    }
    var ends: [(end: CountedEnd, attempt: FinishedAttempt)] = []
    for (before, attempt) in comparison.known {
      correct(before, to: attempt)
      var now = CountedEnd(attempt)
      now.parts = before.parts
      now.deploy = before.deploy
      if !unmeasurable.contains(attempt.outline.number) { count(brought[attempt.outline.number], was: before, attempt, &now) }
      ends.append((now, attempt))
    }
    for attempt in comparison.new {
      finished.add(labels: attempt.labels.ending(attempt.outline.outcome))
      conventions.countEnd(attempt)
      var now = CountedEnd(attempt)
      count(brought[attempt.outline.number], was: nil, attempt, &now)
      ends.append((now, attempt))
    }
    // A subject with too many attempts drops the earliest ones. Those were counted and stay counted.
    for end in comparison.gone where end.attempt > subject.leftOutAttemptCount {
      correct(end, to: nil)
      deploys.correct(end, to: nil, of: nil)
    }
    observe(subject, &ends)
    var result = ends.map(\.end).sorted { ($0.attempt, $0.end) < ($1.attempt, $1.end) }
    if let times = subject.operation == .pullRequest ? ChangeTimes(subject.spans()) : nil {
      changes.count(times, of: subject.key, in: &result, at: time)
    }
    return result
  }

  /// The number of last attempts of a deploy that are compared with earlier deploys again after the deploy has changed.
  package static let comparedAgain = 32

  /// Returns the numbers of the attempts that stay as they were counted, and that follow one that does, except the last ones.
  ///
  /// Otherwise, each further attempt of a deploy would compare all former ones again.
  private static func former(_ attempts: [FinishedAttempt], _ comparison: EndComparison) -> Set<Int> {
    let counted = comparison.known.filter { end, attempt in
      end.agrees(with: attempt) && (end.parts.contains(.deploy) || attempt.outline.outcome != .success)
    }
    let unchanged = Set(counted.map(\.attempt.outline.number))
    let numbers = attempts.map(\.outline.number)
    let former = numbers.indices.dropLast(comparedAgain).filter { index in
      unchanged.contains(numbers[index]) && (index == 0 || unchanged.contains(numbers[index - 1]))
    }
    return Set(former.map { numbers[$0] })
  }

  private func correct(_ end: CountedEnd, to attempt: FinishedAttempt?) {
    conventions.correct(end, to: attempt)
    guard let attempt else { return corrected.add(labels: end.labels.corrected(from: end.outcome, to: Self.notCounted)) }
    if end.labels == attempt.labels {
      if end.outcome != attempt.outcomeLabel {
        corrected.add(labels: end.labels.corrected(from: end.outcome, to: attempt.outcomeLabel))
      }
    } else {
      corrected.add(labels: end.labels.corrected(from: end.outcome, to: Self.notCounted))
      corrected.add(labels: attempt.labels.corrected(from: Self.notCounted, to: attempt.outcomeLabel))
    }
  }

  private typealias Deploy = (span: Span, leadTimes: [[Attribute]])

  /// Counts or corrects the deploy metrics of one attempt.
  ///
  /// - Parameters:
  ///   - deploy: The deploy with its changes and lead times; nil if the attempt is not a successful deploy.
  ///   - before: What was counted before; nil for a new end.
  private func count(_ deploy: Deploy?, was before: CountedEnd?, _ attempt: FinishedAttempt, _ now: inout CountedEnd) {
    if let before, before.parts.contains(.deploy) {
      // Older versions did not store the step, so it cannot be corrected.
      guard before.deploy != nil else { return }
      now.deploy = deploy.map { DeployMetrics.stepLabels(of: $0.span) }
      deploys.correct(before, to: now.deploy, of: attempt)
      if now.deploy == nil { now.parts.remove(.deploy) }
    } else if let deploy {
      deploys.count(deploy.span, leadTimes: deploy.leadTimes, attempt)
      now.deploy = DeployMetrics.stepLabels(of: deploy.span)
      now.parts.insert(.deploy)
    }
  }

  /// Observes the durations and phases that were not observed before.
  private func observe(_ subject: Subject, _ ends: inout [(end: CountedEnd, attempt: FinishedAttempt)]) {
    let lacking = ends.filter { !$0.end.parts.isSuperset(of: .countedAtOnce) }.map(\.attempt.outline.number)
    guard !lacking.isEmpty else { return }
    let phaseSeconds = subject.phaseSeconds(ofAttempts: lacking)
    for index in ends.indices {
      let attempt = ends[index].attempt
      let seconds = phaseSeconds[attempt.outline.number] ?? [:]
      if let duration = attempt.durationSeconds, !ends[index].end.parts.contains(.duration) {
        durations.observe(duration, labels: attempt.labels.ending(attempt.outline.outcome), of: attempt.outboxEntry)
        ends[index].end.parts.insert(.duration)
      }
      if !seconds.isEmpty, !ends[index].end.parts.contains(.phases) {
        for (phase, seconds) in seconds {
          phases.observe(seconds, labels: attempt.labels.subject + [phase], of: attempt.outboxEntry)
        }
        ends[index].end.parts.insert(.phases)
      }
      conventions.observe(attempt, seconds, &ends[index].end.parts)
    }
  }
}

extension TouchedEnds.Kind {
  fileprivate init(_ attempt: FinishedAttempt, _ ends: ProjectionMetrics.AwaitedEnds) {
    self.init(
      labels: attempt.labels, outcome: attempt.outline.outcome, hasDuration: attempt.durationSeconds != nil,
      pipeline: attempt.pipeline, service: ends.service, phases: ends.phases, mayBeCorrected: ends.mayBeCorrected)
  }
}
