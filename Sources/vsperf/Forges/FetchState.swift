import FoundationEssentials
import Glibc
import ValueStreamCore
import VendorAPI

/// How far a run is; kept beside its file until it is done, so that another can go on.
struct FetchState: Codable, Equatable {
  /// What the content depends on: the command and its settings.
  var settings: [String]
  /// When the first run began, which is the end of all that is open.
  var began: String
  var containers: [String]
  var done: Int
  var cursor: String?
  var pages: Int
  var rows: Int
  /// Of all containers.
  var allRows: Int
  /// Containers that could not be read.
  var failed: [String]
  /// Size of the file up to here.
  var bytes: Int64

  init(settings: [String], began: Timestamp, containers: [String]) {
    self.settings = settings
    self.began = began.rfc3339
    self.containers = containers
    (done, pages, rows, allRows, failed, bytes) = (0, 0, 0, 0, [], 0)
  }

  var place: RecordRun.Place {
    get {
      var place = RecordRun.Place(done: done)
      (place.cursor, place.pages, place.rows) = (cursor, pages, rows)
      return place
    }
    set { (done, cursor, pages, rows) = (newValue.done, newValue.cursor, newValue.pages, newValue.rows) }
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
    let numbers = [Int64(done), Int64(pages), Int64(rows), Int64(allRows), bytes]
    return numbers.allSatisfy { (0...1 << 50).contains($0) } && done <= containers.count
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
