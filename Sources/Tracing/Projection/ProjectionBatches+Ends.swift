import DeliveryCounters
import PoisonGuard
import ValueStreamCore

/// Counting ends after their grace period.
extension ProjectionBatches {
  /// Counts ends whose grace period is over, for at most ``countedAtOnce`` subjects and for about ``measuringDuration``.
  ///
  /// Problems with reading never stop deliveries. Damaged subjects are skipped. If the store cannot be read at present,
  /// counting pauses for a few seconds.
  ///
  /// - Returns: True if nothing more can be counted now.
  @discardableResult
  mutating func countAwaiting() throws -> Bool {
    guard let grace else { return true }
    let now = clock.now()
    if let countsAgainAt, now < countsAgainAt, now >= countsAgainAt.advanced(byNanoseconds: -Self.pauseOfCounting.nanoseconds) {
      return true
    }
    countsAgainAt = nil
    var changes = ProjectionChanges()
    // Counting does not read traces, so the strategy does not matter.
    var reader = TraceReader(store: store, strategy: .nested)
    var isLast = true
    do {
      let start = ContinuousClock.now
      let awaiting = try store.awaitingMeasurement(
        since: now.advanced(byNanoseconds: -grace.nanoseconds), orAfter: now, limit: Self.countedAtOnce)
      isLast = awaiting.count < Self.countedAtOnce
      for (index, subject) in awaiting.enumerated() {
        // What others sent waits for the end of this step.
        if index > 0, start.duration(to: .now) >= measuringDuration {
          isLast = false
          break
        }
        let cutCount = reader.cutLookUpCount
        let (key, measurement) = (subject.key, subject.measurement)
        let number = Self.number(of: key)
        if poisonGuard.isPoison(PoisonGuard.measurement, number) {
          let outboxEntry = OutboxEntry(key: key, attempt: 1, time: measurement.awaitsSince ?? now)
          onUnmeasurable(outboxEntry, StoreError(.rejected, "it has crashed vsd \(PoisonGuard.deathLimit) times"))
          changes.measurements[key] = .counted(measurement.counted)
        } else {
          changes.measurements[key] = try poisonGuard.run(PoisonGuard.measurement, number...number) {
            try self.count(key, measurement, &reader)
          }
        }
        poisonGuard.pass(PoisonGuard.measurement, number)
        let newCuts = reader.cutLookUpCount - cutCount
        if newCuts > 0 { metrics.apply(.cut(source: key.source, .name, count: newCuts)) }
        reader.forget(beyond: Self.rememberedSubjects)
      }
    } catch {
      countsAgainAt = now.advanced(byNanoseconds: Self.pauseOfCounting.nanoseconds)
    }
    guard !changes.measurements.isEmpty else { return true }
    changes.position = position
    unwritten = changes
    try writePending()
    return isLast
  }

  static func number(of key: SubjectKey) -> UInt64 { hash(of: key.description) }

  /// Returns the FNV-1a hash of a text. Unlike `Hasher`, it is the same in every process.
  static func hash(of text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  /// Counts the ends of one subject, and reports those that can never be counted.
  ///
  /// - Throws: An error that may not occur on a later attempt.
  func count(_ key: SubjectKey, _ measurement: Measurement, _ reader: inout TraceReader) throws -> MeasurementChange {
    let since = measurement.awaitsSince ?? clock.now()
    do {
      guard let subject = try reader.subject(for: key) else { return .counted(measurement.counted) }
      let counted = CountedEnd.decode(measurement.counted, of: key.source)
      let ends = try metrics.count(subject, counted: counted, at: since, &reader, onUnmeasurable: onUnmeasurable)
      return .counted(CountedEnd.encode(ends))
    } catch let error as StoreError where !error.isRetryable {
      onUnmeasurable(OutboxEntry(key: key, attempt: 1, time: since), error)
      return .counted(measurement.counted)
    }
  }

  /// The most subjects whose ends are counted in one step. Callers release the lock between steps.
  package static let countedAtOnce = 256
  /// The most subjects that the reader of one step remembers.
  static let rememberedSubjects = 5_000
  static let pauseOfCounting = Duration.seconds(5)
}
