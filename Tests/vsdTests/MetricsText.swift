import Synchronization
import ValueStreamCore
import ValueStreamTesting

/// The parsed result of a scrape.
struct MetricsText: Sendable {
  let text: String
  /// The values by sample name with labels, exactly as printed.
  let samples: [String: Double]

  init(_ text: String) throws {
    self.text = text
    var samples: [String: Double] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
        throw TestFailure("not a sample: \(line)")
      }
      let name = String(line[..<space])
      guard samples.updateValue(value, forKey: name) == nil else { throw TestFailure("a sample twice: \(name)") }
    }
    self.samples = samples
  }

  /// The value of a sample; nil if there is no such sample.
  func value(_ sample: String) -> Double? { samples[sample] }

  /// The samples that a restart must keep. Excludes ages of open operations, because they grow.
  var durable: [String: Double] {
    samples.filter { name, _ in
      [
        "webhooks_event_", "valuestream_operation_", "valuestream_operations_finished", "valuestream_operations_active{",
        "valuestream_deliveries_total",
      ].contains(where: name.hasPrefix)
    }
  }

  /// All samples whose name has the prefix.
  func starting(with prefix: String) -> [String: Double] { samples.filter { $0.key.hasPrefix(prefix) } }
}

/// Runs a body several times at once, each on its own thread. Waits for all of them and throws the first error.
func inParallel(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
  final class Outcome: Sendable {
    let state = Mutex<(running: Int, error: (any Error)?)>((0, nil))
  }
  let outcome = Outcome()
  outcome.state.withLock { $0.running = count }
  for index in 0..<count {
    let isStarted = OwnThread.start {
      let result = Result { try body(index) }
      outcome.state.withLock { state in
        state.running -= 1
        if case .failure(let error) = result, state.error == nil { state.error = error }
      }
    }
    if !isStarted { throw TestFailure("the system gives no thread") }
  }
  waitUntil { outcome.state.withLock { $0.running == 0 } }
  if let error = outcome.state.withLock({ $0.error }) { throw error }
}
