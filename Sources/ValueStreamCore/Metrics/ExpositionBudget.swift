import Synchronization

/// Bounds the size of all metrics together in a text format.
///
/// A label set takes its share when it is created, and keeps it. Nothing is moved to `other` later, because a counter must not
/// shrink and a jump of `other` would look like new events. Histograms and other metrics have separate parts, so that the many
/// lines of histograms do not keep out what takes one line.
final class ExpositionBudget: Sendable {
  /// The size in bytes; ``Int/max`` for no bound.
  let bytes: Int
  private let used = Mutex((histograms: 0, others: 0))

  init(bytes: Int) {
    self.bytes = bytes
  }

  /// The part of histograms, in tenths.
  private static let histogramTenths = 7

  private func limit(isHistogram: Bool) -> Int {
    if bytes == .max { return .max }
    let histograms = bytes / 10 * Self.histogramTenths
    return isHistogram ? histograms : bytes - histograms
  }

  /// Takes a share, and returns true, if enough is left. `isForced` takes it in any case.
  func take(_ count: Int, isHistogram: Bool, isForced: Bool) -> Bool {
    let limit = limit(isHistogram: isHistogram)
    return used.withLock { used in
      let sum = (isHistogram ? used.histograms : used.others) + count
      guard isForced || sum <= limit else { return false }
      if isHistogram { used.histograms = sum } else { used.others = sum }
      return true
    }
  }

  func release(_ count: Int, isHistogram: Bool) {
    used.withLock { used in
      if isHistogram { used.histograms -= count } else { used.others -= count }
    }
  }

  /// True if less than half is left for metrics of this kind.
  func isHalfUsed(isHistogram: Bool) -> Bool {
    let half = limit(isHistogram: isHistogram) / 2
    return used.withLock { (isHistogram ? $0.histograms : $0.others) > half }
  }
}
