#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes log lines: one JSON object per line, with at least `level`, `msg` and `time` (RFC 3339, UTC).
public struct Logger: Sendable {
  public enum Level: Int, Sendable, Comparable, CaseIterable {
    case debug, info, warn, error

    public static func < (left: Level, right: Level) -> Bool {
      left.rawValue < right.rawValue
    }

    /// Finds a level by its name, in any letter case; nil for an unknown name.
    public init?(name: String) {
      guard let level = Self.allCases.first(where: { "\($0)" == name.lowercased() }) else { return nil }
      self = level
    }
  }

  private let threshold: Level
  private let clock: any WallClock
  private let write: @Sendable ([UInt8]) -> Void

  /// Creates a logger.
  ///
  /// - Parameters:
  ///   - threshold: The lowest level to log.
  ///   - write: Writes a whole line, including its line feed. Called from several threads, so it must not mix their lines.
  public init(
    threshold: Level = .info, clock: any WallClock = SystemClock(),
    write: @escaping @Sendable ([UInt8]) -> Void = Logger.writeToStandardOutput
  ) {
    self.threshold = threshold
    self.clock = clock
    self.write = write
  }

  /// Logs a message unless the level is below the threshold.
  ///
  /// - Parameter members: Adds members after `level`, `msg` and `time`.
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

  /// Writes each line with one system call, so that lines stay whole. What standard output does not accept is lost.
  public static let writeToStandardOutput: @Sendable ([UInt8]) -> Void = {
    DescriptorWriting.write($0, to: STDOUT_FILENO)
  }
}
