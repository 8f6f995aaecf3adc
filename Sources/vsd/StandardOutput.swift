import ValueStreamCore

/// Where log lines go: a queue, so that a reader of standard output who does not read stops nothing.
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

  /// How long what waits may take at the end.
  private static let lastMilliseconds: Int32 = 2000

  static let write: @Sendable ([UInt8]) -> Void = { line in
    guard let lines else { return StandardStream.output.write(line) }
    lines.write(line)
  }

  /// False while lines might be lost.
  static var hasRoom: Bool { lines?.hasRoom ?? true }

  /// Lines lost since the start.
  static var lostCount: UInt64 { lines?.lostCount ?? 0 }

  /// Writes what waits. Nothing may be logged after it.
  static func finish() { lines?.finish(atMost: lastMilliseconds) }
}
