import FoundationEssentials
import Glibc
import ValueStreamCore
import APIClient

/// How far a run is; kept beside its file until all is in there, so that another can go on.
struct FetchState: Codable, Equatable {
  /// What the content, and the places in lists, depend on: the command and its settings.
  var settings: [String]
  /// When the first run began, which is the end of all that is open.
  var began: String
  /// Those that are not done, in order.
  var containers: [RecordRun.Container]
  /// Those that could not be read, and how far they were.
  var failed: [RecordRun.Container] = []
  /// How many there are in all.
  var total: Int
  /// Of all containers.
  var rows = 0
  /// Records that the server has and could not read; nil for none, as in states of earlier versions.
  var missing: Int?
  /// Size of the file up to here.
  var bytes: Int64 = 0

  init(settings: [String], began: Timestamp, containers: [String]) {
    self.settings = settings
    self.began = began.rfc3339
    self.containers = containers.map { RecordRun.Container($0) }
    total = containers.count
  }

  mutating func advance(by step: RecordRun.Step) {
    rows += step.rows.count
    if step.missing > 0 { missing = (missing ?? 0) + step.missing }
    containers = (step.isLast ? [] : [step.container]) + containers.dropFirst()
    if step.failure != nil { failed.append(step.container) }
  }

  /// What failed is tried once more, after what was not begun.
  mutating func retryFailed() {
    containers += failed
    failed = []
  }

  // MARK: On disk

  static func path(for file: String) -> String { "\(file).resume" }

  /// Nil when there is none.
  static func read(for file: String) throws(CommandError) -> FetchState? {
    guard let bytes = Environment.readFile(path(for: file)) else { return nil }
    guard let state = try? JSONDecoder().decode(FetchState.self, from: Data(bytes)), state.isPlausible else {
      throw CommandError("\(path(for: file)) cannot be read; begin anew without --resume", ExitCode.dataError)
    }
    return state
  }

  private var isPlausible: Bool {
    let places = containers + failed
    let numbers = places.flatMap { [Int64($0.pages), Int64($0.rows)] } + [Int64(total), Int64(rows), Int64(missing ?? 0), bytes]
    return numbers.allSatisfy { (0...1 << 50).contains($0) } && places.count <= total
  }

  /// Replaces what was there in one step.
  func write(for file: String) throws(CommandError) {
    let (path, draft) = (Self.path(for: file), "\(Self.path(for: file)).new")
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { throw CommandError("cannot write \(path)", ExitCode.software) }
    var output = try Output(path: draft)
    try output.write(Array(data))
    try output.flush()
    guard rename(draft, path) == 0 else {
      throw CommandError("cannot write \(path): \(String(cString: strerror(errno)))", ExitCode.inputOutput)
    }
  }

  static func remove(for file: String) { unlink(path(for: file)) }
}
