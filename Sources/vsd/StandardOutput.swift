import ProgramOutput
import ValueStreamCore

/// Writes log lines to standard output through a queue, so that a slow reader does not block vsd.
enum StandardOutput {
  private static let lines = LineQueue { count in
    var line = JSONWriter()
    line.object { line in
      line.member("level", "warn")
      line.member("msg", "log lines were lost: standard output was not read")
      line.member("time", SystemClock().now().rfc3339)
      line.member("lines", Int(clamping: count))
    }
    return line.bytes + [0x0A]
  }

  /// The longest time that writing the remaining lines may take at exit.
  private static let lastMilliseconds: Int32 = 2000

  static let write: @Sendable ([UInt8]) -> Void = { line in
    guard let lines else { return StandardStream.output.write(line) }
    lines.write(line)
  }

  /// False if further lines might be lost.
  static var hasRoom: Bool { lines?.hasRoom ?? true }

  /// The number of lines lost since the start.
  static var lostCount: UInt64 { lines?.lostCount ?? 0 }

  /// Writes the remaining lines. Log nothing after this.
  static func finish() { lines?.finish(atMost: lastMilliseconds) }
}
