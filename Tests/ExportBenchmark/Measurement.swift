import Glibc
import ValueStreamCore

/// The time that a step took for a number of spans.
struct Measurement {
  private var seconds: Double
  private var processorSeconds: Double
  private var spanCount: Int

  /// - Parameter body: The measured step. Returns the number of spans that it processed.
  init(of body: () async throws -> Int) async rethrows {
    let processor = Self.processorSeconds()
    let start = ContinuousClock.now
    spanCount = try await body()
    seconds = (ContinuousClock.now - start).inSeconds
    processorSeconds = Self.processorSeconds() - processor
  }

  private var spansPerSecond: Double { Double(spanCount) / seconds }
  private var processorMicroseconds: Double { processorSeconds / Double(spanCount) * 1e6 }

  /// Two table columns, spans per second and CPU microseconds per span, each as median, minimum and maximum.
  static func columns(_ measurements: [Measurement]) -> String {
    let rate = text(measurements.map(\.spansPerSecond)) { "\(Int($0))" }
    return "\(rate) | \(text(measurements.map(\.processorMicroseconds)) { "\(($0 * 100).rounded() / 100)" })"
  }

  private static func text(_ values: [Double], _ number: (Double) -> String) -> String {
    let sorted = values.sorted()
    guard let least = sorted.first, let greatest = sorted.last else { return "" }
    return "\(number(sorted[sorted.count / 2])) (\(number(least)) - \(number(greatest)))"
  }

  /// The CPU time of all threads of this process, user and system, in seconds.
  private static func processorSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
  }
}
