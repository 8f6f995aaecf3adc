import Glibc
import ProgramOutput
import ValueStreamCore

/// Reads a file line by line, with a buffer.
struct LineFile: ~Copyable {
  private let descriptor: Int32
  private let path: String
  private var rest: [UInt8] = []
  private var isOver = false

  private static let pieceSize = 1 << 18

  init(_ path: String) throws(CommandError) {
    self.path = path
    descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))", ExitCode.noInput) }
  }

  deinit {
    if descriptor != STDIN_FILENO { close(descriptor) }
  }

  /// Returns the next lines, without empty ones; none at the end.
  mutating func next(atMost count: Int) throws(CommandError) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    while lines.count < count {
      var start = rest.startIndex
      while lines.count < count, let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
        if end > start { lines.append(Array(rest[start..<end])) }
        start = end + 1
      }
      rest.removeSubrange(..<start)
      if lines.count == count { break }
      if isOver {
        if !rest.isEmpty { lines.append(rest) }
        rest = []
        break
      }
      try fill()
    }
    return lines
  }

  private mutating func fill() throws(CommandError) {
    var piece = [UInt8](repeating: 0, count: Self.pieceSize)
    let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    if count < 0, errno != EINTR {
      throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))", ExitCode.inputOutput)
    }
    if count > 0 { rest += piece[..<count] }
    if count == 0 { isOver = true }
  }
}
