import Glibc
import ValueStreamCore

/// Writes text to a file or to standard output, with a buffer.
struct Output: ~Copyable {
  private let descriptor: Int32
  private let name: String
  private var buffer: [UInt8] = []

  private static let bufferSize = 1 << 18

  /// Opens the output for writing.
  ///
  /// - Parameters:
  ///   - path: The file to write; nil and `-` mean standard output. The file is created if it does not exist.
  ///   - size: The number of bytes of an existing file to keep. Everything after them is deleted.
  /// - Throws: ``CommandError`` if the file cannot be opened, or is shorter than `size`.
  init(path: String?, keeping size: Int64 = 0) throws(CommandError) {
    let path = path == "-" ? nil : path
    name = path ?? "standard output"
    descriptor = path.map { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) } ?? STDOUT_FILENO
    if descriptor < 0 { throw Self.failure(name) }
    buffer.reserveCapacity(Self.bufferSize * 2)
    guard path != nil else { return }
    // A pipe or a device has no end to move.
    let end = max(0, Int64(lseek(descriptor, 0, SEEK_END)))
    if end < size { throw CommandError("\(name) is shorter than it was left", ExitCode.dataError) }
    if end > size, ftruncate(descriptor, off_t(size)) != 0 { throw Self.failure(name) }
    lseek(descriptor, off_t(size), SEEK_SET)
  }

  /// True for a regular file, and for a path where none exists yet; false for a device, a pipe or a folder.
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
