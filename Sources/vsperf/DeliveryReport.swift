import IntakeClient
import ProgramOutput
import ValueStreamCore

/// Shows the progress of deliveries on a terminal, and a summary at the end.
struct DeliveryReport {
  /// The verb of the summary, such as `sent`.
  private let verb: String
  private let start = ContinuousClock.now
  private let isShown = StandardStream.error.isTerminal
  private var shown = ContinuousClock.now
  private var counts: [String: Int] = [:]
  private var total = 0
  private var bytes = 0

  init(verb: String) {
    self.verb = verb
  }

  mutating func count(_ delivery: HistoryDelivery) {
    counts[delivery.kind, default: 0] += 1
    total += 1
    bytes += delivery.body.count
    guard isShown, total % 64 == 0, shown.duration(to: .now) > .milliseconds(200) else { return }
    shown = .now
    StandardStream.error.write("\r\(verb) \(total) deliveries, up to \(delivery.time.rfc3339.prefix(10))")
  }

  /// Prints the summary in one line: `sent 7140 deliveries, 38.2 MB, in 9.8 s (728 a second): workflow_job 3012,
  /// ...`.
  func finish() {
    let seconds = max(start.duration(to: .now).inSeconds, 0.001)
    let types = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
    let rate = Int((Double(total) / seconds).rounded())
    StandardStream.error.write(
      "\(isShown ? "\r" : "")\(verb) \(total) deliveries, \(Self.tenths(Double(bytes) / 1e6)) MB, in \(Self.tenths(seconds)) s "
        + "(\(rate) a second): \(types.joined(separator: ", "))\n")
  }

  private static func tenths(_ number: Double) -> Double { (number * 10).rounded() / 10 }
}
