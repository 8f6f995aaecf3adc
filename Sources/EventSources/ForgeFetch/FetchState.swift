import APIClient
import FoundationEssentials
import Glibc
import ValueStreamCore

/// The progress of a download, kept beside its file until it is complete, so that `--resume` can continue it.
struct FetchState: Codable, Equatable {
  /// The command and the settings that decide on the content and on positions in lists. They must not change on
  /// resume.
  var settings: [String]
  /// When the first run began, in RFC 3339. Open-ended periods end there.
  var began: String
  /// The containers still to read, in order.
  var containers: [ContainerProgress]
  /// The containers that could not be read, and their progress.
  var failed: [ContainerProgress] = []
  /// The number of containers, including those that are done.
  var total: Int
  /// The number of rows written so far, of all containers.
  var rows = 0
  /// The number of records that the server could not read; nil if there are none, and in states of earlier versions.
  var missing: Int?
  /// The number of the period that an import reads, from the newest; nil for a download, which has only one.
  var round: Int?
  /// The size of the file in bytes at this state.
  var bytes: Int64 = 0

  init(settings: [String], began: Timestamp, containers: [String]) {
    self.settings = settings
    self.began = began.rfc3339
    self.containers = containers.map { ContainerProgress($0) }
    total = containers.count
  }

  mutating func advance<Row>(by step: ContainerRun<Row>.Step) {
    rows += step.rows.count
    if step.missing > 0 { missing = (missing ?? 0) + step.missing }
    let rest = containers.dropFirst()
    containers = step.isPaused ? rest + [step.container] : (step.isLast ? [] : [step.container]) + rest
    if step.failure != nil { failed.append(step.container) }
  }

  /// Schedules the failed containers again, after those that are not read yet.
  mutating func retryFailed() {
    containers += failed
    failed = []
  }

  // MARK: On disk

  static func path(for file: String) -> String { "\(file).resume" }

  /// Returns the state of the run to go on with, nil if there is none, and when that run began, or else now.
  ///
  /// - Parameters:
  ///   - path: The file of the state; nil to begin anew.
  ///   - settings: Those of this run, which must be those of the run to go on with.
  /// - Throws: ``FetchError`` if the state is damaged or has other settings.
  static func resume(at path: String?, settings: [String]) throws(FetchError) -> (state: FetchState?, began: Timestamp) {
    guard let path, let state = try read(at: path) else { return (nil, SystemClock().now()) }
    try state.check(settings: settings, at: path)
    return (state, Timestamp(rfc3339: state.began) ?? SystemClock().now())
  }

  /// Reads a state; nil if there is none.
  ///
  /// - Throws: ``FetchError`` if the state is damaged.
  static func read(at path: String) throws(FetchError) -> FetchState? {
    guard let bytes = Environment.readFile(path) else { return nil }
    guard let state = try? JSONDecoder().decode(FetchState.self, from: Data(bytes)), state.isPlausible else {
      throw FetchError(.damagedState, "\(path) cannot be read; begin anew without --resume")
    }
    return state
  }

  /// Checks that a resumed run has the settings of the first one.
  func check(settings: [String], at path: String) throws(FetchError) {
    if self.settings == settings { return }
    throw FetchError(
      .otherSettings,
      "\(path) is of a run with other settings (\(self.settings.joined(separator: " "))); begin anew without --resume")
  }

  private var isPlausible: Bool {
    let places = containers + failed
    let numbers =
      places.flatMap { [Int64($0.pages), Int64($0.rows)] } + [
        Int64(total), Int64(rows), Int64(missing ?? 0), Int64(round ?? 0), bytes,
      ]
    return numbers.allSatisfy { (0...1 << 50).contains($0) } && places.count <= total
  }

  /// Replaces the state on disk atomically.
  func write(at path: String) throws(FetchError) {
    let draft = "\(path).new"
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { throw FetchError(.unwritable, "cannot write \(path)") }
    do throws(OutputError) {
      var output = try OutputFile(path: draft)
      try output.write(Array(data))
      try output.flush()
    } catch {
      throw FetchError(.unwritable, error.description)
    }
    guard rename(draft, path) == 0 else {
      throw FetchError(.unwritable, "cannot write \(path): \(String(cString: strerror(errno)))")
    }
  }

  static func remove(at path: String) { unlink(path) }
}
