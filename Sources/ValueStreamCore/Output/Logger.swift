/// Writes log lines: one JSON object each, with at least `level`, `msg` and `time` (RFC 3339, UTC).
public struct Logger: Sendable {
  public enum Level: Int, Sendable, Comparable, CaseIterable {
    case debug, info, warn, error

    public static func < (left: Level, right: Level) -> Bool {
      left.rawValue < right.rawValue
    }

    /// The name in any letter case.
    public init?(name: String) {
      guard let level = Self.allCases.first(where: { "\($0)" == name.lowercased() }) else { return nil }
      self = level
    }
  }

  private let threshold: Level
  private let clock: any WallClock
  private let write: @Sendable ([UInt8]) -> Void

  /// - Parameter write: takes a whole line, line feed included, and keeps lines of several threads apart.
  public init(
    threshold: Level = .info, clock: any WallClock = SystemClock(),
    write: @escaping @Sendable ([UInt8]) -> Void = Logger.writeToStandardOutput
  ) {
    self.threshold = threshold
    self.clock = clock
    self.write = write
  }

  /// Logs a message with further members.
  ///
  /// - Parameter members: writes members after the first three.
  public func log(_ level: Level, _ message: @autoclosure () -> String, members: (inout JSONWriter) -> Void = { _ in }) {
    guard level >= threshold else { return }
    var line = JSONWriter()
    line.object { line in
      line.member("level", "\(level)")
      line.member("msg", message())
      line.member("time", clock.now().rfc3339)
      members(&line)
    }
    write(line.bytes + [0x0A])
  }

  public func debug(_ message: @autoclosure () -> String) { log(.debug, message()) }
  public func info(_ message: @autoclosure () -> String) { log(.info, message()) }
  public func warn(_ message: @autoclosure () -> String) { log(.warn, message()) }
  public func error(_ message: @autoclosure () -> String) { log(.error, message()) }

  /// One system call per line, so that lines stay whole; what standard output does not take is lost.
  public static let writeToStandardOutput: @Sendable ([UInt8]) -> Void = { StandardStream.output.write($0) }
}
