package import ValueStreamCore

/// Ends are counted once they have waited, and corrected where they turn out to be others later.
extension ProjectionMetrics {
  /// The ends of a subject that await being counted: their series begin at 0 meanwhile.
  package struct AwaitedEnds: Sendable {
    var attempts: [FinishedAttempt]
    var phases: Set<String>
    var service: String
    /// True where ends of the subject were counted, which may be corrected now.
    var mayBeCorrected: Bool

    package init(_ attempts: [FinishedAttempt], of subject: Subject, mayBeCorrected: Bool) {
      self.attempts = attempts
      phases = subject.phaseNames
      service = subject.operation == .deploy ? subject.text("valuestream.service") ?? "" : ""
      self.mayBeCorrected = mayBeCorrected
    }
  }

  /// In `from` and `to` of corrections: not counted before, or not any more.
  static let notCounted = "none"

  /// Initializes series to 0, so that a scrape sees them before they count.
  func touch(_ ends: AwaitedEnds) {
    for attempt in ends.attempts {
      let labels = attempt.labels
      foresee(labels)
      finished.touch(labels: labels.ending(attempt.outline.outcome))
      if attempt.durationSeconds != nil { durations.touch(labels: labels.ending(attempt.outline.outcome)) }
      // What runs of this kind begins at zero, also where nothing of it was seen running.
      active.touch(labels: labels.thing)
      for phase in ends.phases { phases.foresee(labels: labels.thing + [phase]) }
      conventions.touch(attempt)
      switch labels.operation {
      case .pullRequest: changes.touch(source: labels.source, project: labels.project)
      case .deploy where attempt.outline.outcome == .success: deploys.touch(labels, service: ends.service)
      default: break
      }
      var outcomes = labels.usualOutcomes.map(\.rawValue)
      if ends.mayBeCorrected, !outcomes.contains(attempt.outcomeLabel) { outcomes.append(attempt.outcomeLabel) }
      for from in outcomes {
        for to in outcomes where from != to { corrected.foresee(labels: labels.corrected(from: from, to: to)) }
      }
    }
  }

  /// Counts the ends of a subject that were not counted yet, and corrects those that were counted otherwise.
  ///
  /// - Parameters:
  ///   - counted: what was counted of its ends.
  ///   - time: since when they await it.
  ///   - onUnmeasurable: called for a deploy around which something cannot be read for good; it is left out.
  /// - Returns: what is counted of them now.
  /// - Throws: ``StoreError`` where something cannot be read at present; nothing is counted then.
  package func count(
    _ subject: Subject, counted: [CountedEnd], at time: Timestamp, _ reader: inout TraceReader,
    onUnmeasurable: (Announcement, any Error) -> Void
  ) throws -> [CountedEnd] {
    let attempts = FinishedAttempt.all(subject.outlines(), of: subject, at: time)
    let comparison = EndComparison(counted: counted, attempts: attempts)
    // What is read comes before what is counted.
    var brought: [Int: Deploy] = [:]
    var unmeasurable: Set<Int> = []
    for attempt in subject.operation == .deploy ? attempts : [] {
      do {
        brought[attempt.outline.number] = try reader.deploy(ofAttempt: attempt.outline.number, of: subject.key)
      } catch let error as StoreError where !error.isRetryable {
        unmeasurable.insert(attempt.outline.number)
        onUnmeasurable(attempt.announcement, error)
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
    // Attempts that were left out of a subject that has too many stay counted.
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

  /// - Parameter deploy: what a successful deploy brought; nil for anything else.
  private func count(_ deploy: Deploy?, was before: CountedEnd?, _ attempt: FinishedAttempt, _ now: inout CountedEnd) {
    if let before, before.parts.contains(.deploy) {
      // Of what an older version counted the step is not known.
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

  /// Observes durations and phases that were not observed yet.
  private func observe(_ subject: Subject, _ ends: inout [(end: CountedEnd, attempt: FinishedAttempt)]) {
    let lacking = ends.filter { !$0.end.parts.isSuperset(of: .countedAtOnce) }.map(\.attempt.outline.number)
    guard !lacking.isEmpty else { return }
    let phaseSeconds = subject.phaseSeconds(ofAttempts: lacking)
    for index in ends.indices {
      let attempt = ends[index].attempt
      let seconds = phaseSeconds[attempt.outline.number] ?? [:]
      if let duration = attempt.durationSeconds, !ends[index].end.parts.contains(.duration) {
        durations.observe(duration, labels: attempt.labels.ending(attempt.outline.outcome), of: attempt.announcement)
        ends[index].end.parts.insert(.duration)
      }
      if !seconds.isEmpty, !ends[index].end.parts.contains(.phases) {
        for (phase, seconds) in seconds {
          phases.observe(seconds, labels: attempt.labels.thing + [phase], of: attempt.announcement)
        }
        ends[index].end.parts.insert(.phases)
      }
      conventions.observe(attempt, seconds, &ends[index].end.parts)
    }
  }
}
