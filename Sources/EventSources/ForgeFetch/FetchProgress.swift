package import APIClient
import Synchronization
import ValueStreamCore

/// Shows the progress of a download: a bar on a terminal, otherwise a line per page.
package final class FetchProgress: Sendable {
  private struct State {
    var done = 0
    var containers = 0
    var rows = 0
    /// The rows of finished containers, and the total rows of the current container if the server says so.
    var rowsDone = 0
    var expected: Int?
    /// The rows that an earlier run has read.
    var rowsBefore = 0
    var isBarShown = false
  }

  /// What is counted.
  package struct Unit: Sendable {
    fileprivate var one: String
    fileprivate var many: String
    /// The verb of the summary.
    fileprivate var verb: String

    package static let rows = Unit(one: "row", many: "rows", verb: "wrote")
    package static let deliveries = Unit(one: "delivery", many: "deliveries", verb: "imported")
  }

  private let name: String
  private let isTerminal: Bool
  private let unit: Unit
  private let write: @Sendable (String) -> Void
  private let start = ContinuousClock.now
  private let state = Mutex(State())

  /// - Parameters:
  ///   - name: The name of the program, which begins each note.
  ///   - isTerminal: True to draw a bar that is written over. Nothing else may be written to the terminal.
  ///   - write: Writes a text as it is.
  package init(name: String, isTerminal: Bool, unit: Unit = .rows, write: @escaping @Sendable (String) -> Void) {
    self.name = name
    self.isTerminal = isTerminal
    self.unit = unit
    self.write = write
  }

  package func begin(containers: Int, done: Int, rows: Int) {
    state.withLock { state in
      (state.containers, state.done) = (containers, done)
      (state.rows, state.rowsDone, state.rowsBefore) = (rows, rows, rows)
    }
  }

  package func show<Row>(_ step: ContainerRun<Row>.Step) {
    let bar = state.withLock { state -> String in
      state.rows += step.rows.count
      state.expected = step.isLast ? nil : step.total
      if step.isLast {
        state.done += 1
        state.rowsDone = state.rows
      }
      state.isBarShown = isTerminal
      return Self.bar(state, unit, seconds: start.duration(to: .now).inSeconds)
    }
    write(isTerminal ? "\r\u{1B}[K\(bar)" : line(step))
  }

  /// Prints a line that stays above the bar.
  package func note(_ text: String) {
    let isBarShown = state.withLock { state in
      defer { state.isBarShown = false }
      return state.isBarShown
    }
    write("\(isBarShown ? "\r\u{1B}[K" : "")\(name): \(text)\n")
  }

  /// Tells if there are no containers to read, or only a part of them.
  ///
  /// - Parameter limitFlag: The flag that limits their number; nil if there is none.
  func note(_ containers: RecordContainers, limitFlag: String?) {
    if containers.names.isEmpty { note("there is nothing to read") }
    if let cut = containers.cut { note("\(cut)\(limitFlag.map { "; --\($0) sets how many" } ?? "")") }
  }

  /// Reports a wait, with its reason and its end.
  package func note(_ wait: APIClient.Wait) {
    let end = SystemClock().now().advanced(bySeconds: wait.seconds)
    note("\(wait.reason); going on at \(end.rfc3339.dropFirst(11).prefix(8)) UTC, in \(Self.text(seconds: wait.seconds))")
  }

  package func finish(rows: Int, to file: String) {
    let seconds = start.duration(to: .now).inSeconds
    let isBarShown = state.withLock(\.isBarShown)
    write(
      "\(isBarShown ? "\r\u{1B}[K" : "")\(unit.verb) \(rows) \(rows == 1 ? unit.one : unit.many) to \(file) in \(Self.text(seconds: seconds))\n"
    )
  }

  // MARK: Text

  /// Returns a line in the format of the program of 2019, `key=value`.
  private func line<Row>(_ step: ContainerRun<Row>.Step) -> String {
    let (owner, name) = RecordText.split(step.container.name)
    return
      "page=\(step.container.pages) is_last=\(step.isLast) repo=\(Self.quoted(name)) org=\(Self.quoted(owner)) \(unit.many)=\(step.rows.count)\n"
  }

  private static func quoted(_ text: String) -> String {
    let isPlain =
      !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
    if isPlain { return text }
    var json = JSONWriter()
    json.value(text)
    return String(decoding: json.bytes, as: UTF8.self)
  }

  /// Returns the bar: `[=========>          ] 12/40, 3400 rows, 210/s, 80 s left`.
  private static func bar(_ state: State, _ unit: Unit, seconds: Double) -> String {
    let expected = expectedRows(state)
    let share = expected > 0 ? min(1, Double(state.rows) / expected) : Double(state.done) / Double(max(1, state.containers))
    let width = 24
    let filled = Int(saturating: (share * Double(width)).rounded(.down))
    let rest = filled < width ? ">" + String(repeating: " ", count: width - filled - 1) : ""
    let rate = Double(state.rows - state.rowsBefore) / max(seconds, 0.001)
    let secondsLeft = (expected - Double(state.rows)) / rate
    let left = rate > 0 && secondsLeft > 0 ? ", \(text(seconds: secondsLeft)) left" : ""
    return "[\(String(repeating: "=", count: filled))\(rest)] \(state.done)/\(state.containers), \(state.rows) \(unit.many), "
      + "\(Int(saturating: rate))/s\(left)"
  }

  /// Returns the estimated number of rows. Containers that are not read yet count as the average of the others.
  private static func expectedRows(_ state: State) -> Double {
    let current = max(Double(state.expected ?? 0), Double(state.rows - state.rowsDone))
    let known = state.done + (state.expected == nil ? 0 : 1)
    guard known > 0 else { return 0 }
    return (Double(state.rowsDone) + current) * Double(max(known, state.containers)) / Double(known)
  }

  package static func text(seconds: Double) -> String {
    switch seconds {
    case ..<10: "\(RecordText.text((seconds * 10).rounded() / 10)) s"
    case ..<120: "\(Int(saturating: seconds)) s"
    case ..<7200: "\(Int((seconds / 60).rounded())) min"
    default: "\(Int(saturating: min(seconds / 3600, 1e6))) h"
    }
  }
}
