import Glibc
import ValueStreamCore

/// Lines and bytes to a file or to standard output, some at a time.
struct Output: ~Copyable {
  private let descriptor: Int32
  private let name: String
  private var buffer: [UInt8] = []

  private static let bufferSize = 1 << 18

  /// - Parameter path: nil and `-` stand for standard output; a file is made, or emptied.
  init(path: String?) throws(CommandError) {
    let path = path == "-" ? nil : path
    name = path ?? "standard output"
    descriptor = path.map { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) } ?? STDOUT_FILENO
    if descriptor < 0 { throw Self.failure(name) }
    buffer.reserveCapacity(Self.bufferSize * 2)
  }

  deinit {
    if descriptor != STDOUT_FILENO { close(descriptor) }
  }

  mutating func writeLine(_ line: [UInt8]) throws(CommandError) {
    buffer += line
    try write([UInt8(ascii: "\n")])
  }

  mutating func write(_ bytes: [UInt8]) throws(CommandError) {
    buffer += bytes
    if buffer.count >= Self.bufferSize { try flush() }
  }

  mutating func flush() throws(CommandError) {
    var written = 0
    while written < buffer.count {
      let count = buffer[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw Self.failure(name)
      }
      written += count
    }
    buffer.removeAll(keepingCapacity: true)
  }

  private static func failure(_ name: String) -> CommandError {
    CommandError("cannot write \(name): \(String(cString: strerror(errno)))", ExitCode.inputOutput)
  }
}
