import Synchronization
import ValueStreamCore

/// How far the clock of a server is ahead of this machine's, from its first response.
final class ServerClock: Sendable {
  private let seconds = Mutex<Double?>(nil)
  private let report: @Sendable (Double) -> Void

  /// Responses tell whole seconds, and take a while.
  private static let tolerance = 3.0
  private static let reportedFrom = 60.0

  init(report: @escaping @Sendable (Double) -> Void) {
    self.report = report
  }

  /// 0 for clocks that agree, and before the first response.
  var lead: Double { seconds.withLock { $0 ?? 0 } }

  func note(_ date: Timestamp, now: Timestamp) {
    let difference = date.seconds(since: now)
    let isNew = seconds.withLock { seconds in
      if seconds != nil { return false }
      seconds = abs(difference) > Self.tolerance ? difference : 0
      return true
    }
    if isNew, abs(difference) > Self.reportedFrom { report(difference) }
  }
}
