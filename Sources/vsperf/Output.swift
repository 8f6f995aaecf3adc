import Glibc
import ValueStreamCore

/// Text to a file or to standard output, some at a time.
struct Output: ~Copyable {
  private let descriptor: Int32
  private let name: String
  private var buffer: [UInt8] = []

  private static let bufferSize = 1 << 18

  /// - Parameters:
  ///   - path: nil and `-` stand for standard output; a file is made, or emptied.
  ///   - size: bytes of the file that stay; what follows them goes.
  /// - Throws: also when the file is shorter.
  init(path: String?, keeping size: Int64 = 0) throws(CommandError) {
    let path = path == "-" ? nil : path
    name = path ?? "standard output"
    descriptor = path.map { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) } ?? STDOUT_FILENO
    if descriptor < 0 { throw Self.failure(name) }
    buffer.reserveCapacity(Self.bufferSize * 2)
    guard path != nil else { return }
    // A pipe, or a device, has no end that could be moved.
    let end = max(0, Int64(lseek(descriptor, 0, SEEK_END)))
    if end < size { throw CommandError("\(name) is shorter than it was left", ExitCode.dataError) }
    if end > size, ftruncate(descriptor, off_t(size)) != 0 { throw Self.failure(name) }
    lseek(descriptor, off_t(size), SEEK_SET)
  }

  /// True for a file, and where one will be made; false for a device, a pipe or a folder.
  static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
  }

  deinit {
    if descriptor != STDOUT_FILENO { close(descriptor) }
  }

  mutating func writeLine(_ line: [UInt8]) throws(CommandError) {
    try write(line)
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
